// SPDX-License-Identifier: MIT
//
// What was asked of a server, and the paths under which a test asks for it:
//   GET /_count          number of token requests
//   GET /_log[?raw=1]    each of them; secrets are hashed unless raw
//   POST /_reset         forget them

import { createHash } from 'node:crypto';

const SECRETS = ['client_secret', 'client_assertion'];
const MAX_BODY = 1 << 20;

// Milliseconds of CLOCK_MONOTONIC, the clock of Python's time.monotonic().
export function now() {
    return Number(process.hrtime.bigint() / 1000n) / 1000;
}

export function hash(text) {
    const digest = createHash('sha256').update(String(text)).digest('hex');
    return `sha256:${digest.slice(0, 12)}`;
}

export async function readBody(req) {
    const parts = [];
    let size = 0;
    for await (const part of req) {
        size += part.length;
        if (size > MAX_BODY)
            throw new Error('request body over 1 MiB');
        parts.push(part);
    }
    return Buffer.concat(parts).toString();
}

// A parameter that was sent twice becomes a list, so that tests can see it.
function readForm(body) {
    const params = {};
    const form = new URLSearchParams(body);
    for (const name of new Set(form.keys())) {
        const all = form.getAll(name);
        params[name] = all.length > 1 ? all : all[0];
    }
    return params;
}

export function mediaType(req) {
    return (req.headers['content-type'] ?? '').split(';')[0].trim();
}

// null: neither a form nor a JSON object
export function readParams(req, body) {
    const type = mediaType(req);
    if (type === 'application/x-www-form-urlencoded')
        return readForm(body);
    if (type !== 'application/json')
        return null;
    try {
        const value = JSON.parse(body);
        return typeof value === 'object' ? value : null;
    } catch {
        return null;
    }
}

// RFC 6749, 2.3.1: each half is form-encoded before base64.
export function readBasic(header) {
    const coded = /^Basic ([A-Za-z0-9+/]+=*)$/i.exec(header ?? '');
    if (!coded)
        return null;
    const text = Buffer.from(coded[1], 'base64').toString();
    const halves = /^([^:]*):(.*)$/s.exec(text);
    try {
        const [id, secret] = halves.slice(1).map(
            (half) => decodeURIComponent(half.replace(/\+/g, ' ')));
        return { id, secret };
    } catch {
        return null;
    }
}

function redact(params) {
    const copy = { ...params };
    for (const name of SECRETS)
        if (name in copy)
            copy[name] = hash(copy[name]);
    return copy;
}

export class Journal {
    #entries = [];
    #onReset;

    constructor(onReset = () => {}) {
        this.#onReset = onReset;
    }

    get count() {
        return this.#entries.length;
    }

    // closed: when the connection was done with the answer, or hung up
    note(req, res, { params, mode }) {
        const header = req.headers.authorization;
        const basic = readBasic(header);
        const entry = {
            t: now(),
            closed: null,
            status: null,
            method: req.method,
            path: req.url,
            mode,
            content_type: req.headers['content-type'] ?? null,
            authorization: header?.split(' ')[0] ?? null,
            basic: basic && { id: basic.id, secret: hash(basic.secret) },
            params: redact(params),
        };
        const raw = { authorization: header ?? null, basic, params };
        this.#entries.push({ entry, raw });
        res.on('close', () => {
            entry.closed = now();
            entry.status = res.headersSent ? res.statusCode : null;
        });
    }

    #log(raw) {
        return this.#entries.map(
            (e) => (raw ? { ...e.entry, ...e.raw } : e.entry));
    }

    // true when the request was one for the journal itself
    serve(req, res) {
        const url = new URL(req.url, 'http://localhost');
        const answers = {
            'GET /_count': () => `${this.count}\n`,
            'GET /_log': () => JSON.stringify(
                this.#log(url.searchParams.get('raw') === '1')),
            'POST /_reset': () => {
                this.#entries = [];
                this.#onReset();
                return '';
            },
        };
        const answer = answers[`${req.method} ${url.pathname}`];
        if (!answer)
            return false;
        res.setHeader('Content-Type', 'application/json');
        res.end(answer());
        return true;
    }
}
