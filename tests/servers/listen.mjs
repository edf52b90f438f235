// SPDX-License-Identifier: MIT
//
// What both servers share: options, listeners on loopback, the ready line,
// and the end.

import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const OPTIONS = {
    pki: { type: 'string' },            // directory made by pki.sh
    listen: { type: 'string', multiple: true },
    http: { type: 'boolean' },          // short for --listen http
    port: { type: 'string', default: '0' },
    host: { type: 'string', default: '127.0.0.1' },
    clients: { type: 'string' },        // JSON file, see readClients
    'until-stdin-closes': { type: 'boolean' },
};

// Name of a listener -> how it is opened. Each has a port of its own; --port
// is for the first.
const OLD_TLS = {
    minVersion: 'TLSv1.1',
    maxVersion: 'TLSv1.1',
    ciphers: 'DEFAULT@SECLEVEL=0',
};
const LISTENERS = {
    http: {},
    server: { cert: 'server' },
    wrongname: { cert: 'wrongname' },
    expired: { cert: 'expired' },
    selfsigned: { cert: 'selfsigned' },
    oldtls: { cert: 'server', tls: OLD_TLS },
};

export function readOptions(own = {}) {
    const { values } = parseArgs({ options: { ...OPTIONS, ...own } });
    if (values.http)
        values.listen = ['http'];
    return values;
}

// [{"client_id": ..., "client_secret": ..., "auth": "client_secret_post"}]
export function readClients(file) {
    return file ? JSON.parse(readFileSync(file, 'utf8')) : [];
}

function create(name, options, handler) {
    const how = LISTENERS[name];
    if (!how)
        throw new Error(`no such listener '${name}'`);
    if (!how.cert)
        return http.createServer(handler);
    if (!options.pki)
        throw new Error('--pki DIR is needed for https');
    const read = (ending) =>
        readFileSync(join(options.pki, `${how.cert}.${ending}`));
    return https.createServer(
        { cert: read('crt'), key: read('key'), ...how.tls }, handler);
}

function open(name, options, port, { handler, onSocket }) {
    const server = create(name, options, handler);
    const scheme = name === 'http' ? 'http' : 'https';
    // A thousand cold callers must not meet a full backlog.
    const where = { host: options.host, port, backlog: 4096 };
    server.requestTimeout = 0;
    server.on('connection', onSocket);
    return new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(where, () => {
            resolve(`${scheme}://localhost:${server.address().port}`);
        });
    });
}

// Opens every listener that was asked for. Gives { port, url, urls }: the
// first one's port and URL, and the URL of each by name.
export async function listen(options, handler, onSocket = () => {}) {
    const urls = {};
    let port = Number(options.port);
    for (const name of options.listen) {
        urls[name] = await open(
            name, options, port, { handler, onSocket });
        port = 0;
    }
    const url = urls[options.listen[0]];
    return { port: Number(new URL(url).port), url, urls };
}

export function ready(options, place) {
    const stop = () => process.exit(0);
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
    if (options['until-stdin-closes'])
        process.stdin.on('end', stop).on('error', stop).resume();
    process.stdout.write(`${JSON.stringify(place)}\n`);
}
