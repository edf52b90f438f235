// SPDX-License-Identifier: MIT
//
// One request to the scripted server and the answer to it: checks the client
// as a good server would, mints a token, and sends the reply in the way that
// the modes (modes.mjs) have asked for.

import { createHmac, randomBytes } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import { setTimeout } from 'node:timers/promises';

import { mediaType, now, readBasic } from './journal.mjs';

const KEY = randomBytes(32);
const SCOPE = '7b1d9f0e-4c55-4b0e-9d6c-2f9a54c0b6aa';
const NO_STORE = { 'Cache-Control': 'no-store', Pragma: 'no-cache' };

// Who answers: the reply with a token, and the one to a wrong secret.
export const FAMILIES = {
    auth0: {
        reply: (token, ttl) => ({
            access_token: token,
            scope: SCOPE,
            expires_in: ttl,
            token_type: 'Bearer',
        }),
        refusal: [401, {
            error: 'access_denied', error_description: 'Unauthorized',
        }],
    },
    keycloak: {
        formOnly: [415, { error: 'HTTP 415 Unsupported Media Type' }],
        reply: (token, ttl) => ({
            access_token: token,
            expires_in: ttl,
            refresh_expires_in: 0,
            token_type: 'Bearer',
            'not-before-policy': 0,
            scope: 'profile email',
        }),
        refusal: [401, {
            error: 'unauthorized_client',
            error_description: 'Invalid client or Invalid client credentials',
        }],
    },
    identityserver: {
        formOnly: [400, { error: 'invalid_request' }],
        reply: (token, ttl) => ({
            access_token: token,
            expires_in: ttl,
            token_type: 'Bearer',
            scope: 'api',
        }),
        refusal: [400, { error: 'invalid_client' }],
    },
    glewlwyd: {
        formOnly: [400, null],
        reply: (token, ttl) => ({
            access_token: token,
            token_type: 'bearer',
            expires_in: ttl,
            scope: 's1',
        }),
        refusal: [403, null],
    },
};

const base64url = (value) =>
    Buffer.from(JSON.stringify(value)).toString('base64url');

function sign(payload) {
    const text = `${base64url({ alg: 'HS256', typ: 'JWT' })}.` +
        base64url(payload);
    const mac = createHmac('sha256', KEY).update(text).digest('base64url');
    return `${text}.${mac}`;
}

export class Answer {
    family = FAMILIES.auth0;
    override = {};          // members of the reply; undefined leaves one out
    claims = {};            // of the token
    edit = (text) => text;  // of the reply as it goes out
    deliver = (res, text) => res.end(text);
    skew = 0;               // seconds that the server's clock is off
    sent = false;
    gone = new AbortController();

    // state: what one server keeps between requests
    constructor({ req, res, body, params, state, urls }) {
        Object.assign(this, { req, res, body, params, state, urls });
        res.once('close', () => this.gone.abort());
        this.audience = params?.audience;
        this.basic = readBasic(req.headers.authorization);
    }

    get seconds() {
        return Math.floor(Date.now() / 1000) + this.skew;
    }

    date(seconds) {
        return new Date((this.seconds + seconds) * 1000).toUTCString();
    }

    // Ends early when the client hangs up, else never: timers may.
    async sleep(ms) {
        const { signal } = this.gone;
        const until = now() + ms;
        const quiet = () => {};
        for (let left = ms; left > 0 && !signal.aborted; left = until - now())
            await setTimeout(Math.ceil(left), null, { signal }).catch(quiet);
    }

    send(status, headers, text) {
        this.sent = true;
        if (this.skew)
            this.res.setHeader('Date', this.date(0));
        this.res.writeHead(status, {
            ...headers, 'Content-Length': Buffer.byteLength(text),
        });
        return this.deliver(this.res, text);
    }

    // An object of null is an answer without a body.
    json(status, object, headers = {}) {
        const type = { 'Content-Type': 'application/json' };
        if (object === null)
            return this.send(status, headers, '');
        const text = this.edit(JSON.stringify(object));
        return this.send(status, { ...type, ...NO_STORE, ...headers }, text);
    }

    html(status, headers = {}) {
        const title = `${status} ${STATUS_CODES[status] ?? 'Unknown'}`;
        return this.send(status, { 'Content-Type': 'text/html', ...headers },
            `<html>\n<head><title>${title}</title></head>\n<body>\n` +
            `<h1>${title}</h1>\n</body>\n</html>\n`);
    }

    error(status, error, description) {
        return this.json(status, { error, error_description: description });
    }

    // The client as it shows itself, or null
    presented() {
        const { client_id: id, client_secret: secret } = this.params ?? {};
        if (this.basic)
            return { ...this.basic, auth: 'client_secret_basic' };
        return id && secret && { id, secret, auth: 'client_secret_post' };
    }

    // With no client registered, any is welcome.
    isKnown(shown) {
        const { clients } = this.state;
        if (!shown)
            return false;
        if (clients.size === 0)
            return true;
        const client = clients.get(shown.id);
        return client !== undefined && client.secret === shown.secret &&
            (client.auth ?? shown.auth) === shown.auth;
    }

    // What a good server finds wrong with the request: [status, object]
    objection() {
        const { params, req, family } = this;
        if (req.method !== 'POST')
            return [405, { error: 'invalid_request' }];
        if (family.formOnly && mediaType(req) === 'application/json')
            return family.formOnly;
        if (!params)
            return [400, { error: 'invalid_request' }];
        if (params.grant_type !== 'client_credentials')
            return [400, { error: 'unsupported_grant_type' }];
        if (req.headers.authorization && params.client_secret)
            return [400, { error: 'invalid_request' }];
        return this.isKnown(this.presented()) ? null : family.refusal;
    }

    mint(ttl) {
        const { id } = this.presented() ?? {};
        this.state.minted += 1;
        return sign({
            iss: this.urls.server ?? this.urls.http,
            sub: `${id}@clients`,
            aud: this.audience,
            iat: this.seconds,
            exp: this.seconds + ttl,
            azp: id,
            scope: this.params?.scope,
            jti: String(this.state.minted),
            ...this.claims,
        });
    }

    grant() {
        const objection = this.objection();
        if (objection)
            return this.json(...objection);
        const ttl = this.override.expires_in ?? this.state.ttl;
        const reply = this.family.reply(this.mint(ttl), ttl);
        return this.json(200, { ...reply, ...this.override });
    }
}
