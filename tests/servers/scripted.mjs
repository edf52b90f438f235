// SPDX-License-Identifier: MIT
//
// A token endpoint that does what it is told: looks like several services,
// and fails in every way that one can. Needs nothing but node.
//
//   node scripted.mjs --pki DIR [--listen NAME]... [--http] [--port N]
//       [--client ID:SECRET]... [--clients FILE] [--mode MODE] [--ttl N]
//
// The mode of an answer (modes.mjs) comes from the path of the request,
// /m/MODE/any/thing, percent-encoded; other paths get the mode that
// "POST /_mode" has set: a comma list gives one to each request, the last
// one stays. "POST /_reset" brings back the first mode and an empty log.
// "GET /_modes" names all modes. Further paths: journal.mjs.

import { Answer } from './answer.mjs';
import { Journal, readBody, readParams } from './journal.mjs';
import { listen, readClients, readOptions, ready } from './listen.mjs';
import { MODES, isMode, run } from './modes.mjs';

const options = readOptions({
    client: { type: 'string', multiple: true, default: [] },
    mode: { type: 'string', default: 'ok' },
    ttl: { type: 'string', default: '86400' },
});

function registered() {
    const file = options.clients ?? process.env.SCRIPTED_CLIENTS;
    const clients = new Map();
    for (const { client_id, client_secret, auth } of readClients(file))
        clients.set(client_id, { secret: client_secret, auth });
    for (const pair of options.client) {
        const [, id, secret] = /^([^:]*):(.*)$/s.exec(pair);
        clients.set(id, { secret });
    }
    return clients;
}

// Only a plain TCP socket can be reset; under TLS it is hidden, and known by
// the port it comes from.
const sockets = new Map();

function remember(socket) {
    sockets.set(socket.remotePort, socket);
    socket.on('close', () => sockets.delete(socket.remotePort));
}

const state = {
    clients: registered(),
    ttl: Number(options.ttl),
    minted: 0,
    rawSocket: (socket) => sockets.get(socket.remotePort),
};

function setModes(list) {
    const modes = list.split(',');
    if (!modes.every(isMode))
        return false;
    state.modes = modes;
    return true;
}

function restart() {
    setModes(options.mode);
    state.same = null;
    state.refused = new Set();
    state.sources = new Map();
}

function nextMode() {
    return state.modes.length > 1 ? state.modes.shift() : state.modes[0];
}

function modeOf(path) {
    const segment = /^\/m\/([^/?]+)/.exec(path);
    return segment ? decodeURIComponent(segment[1]) : nextMode();
}

const journal = new Journal(restart);
let place;

async function control(req, res) {
    if (req.url === '/_modes') {
        res.end(JSON.stringify(Object.keys(MODES)));
        return;
    }
    const wanted = (await readBody(req)).trim();
    res.statusCode = setModes(wanted) ? 204 : 400;
    res.end();
}

async function serve(req, res) {
    if (journal.serve(req, res))
        return;
    if (['/_mode', '/_modes'].includes(req.url)) {
        await control(req, res);
        return;
    }
    const body = await readBody(req);
    const params = readParams(req, body);
    const mode = modeOf(req.url);
    journal.note(req, res, { params, mode });
    if (!isMode(mode)) {
        res.statusCode = 501;
        res.end(`no such mode: ${mode}\n`);
        return;
    }
    const { urls } = place;
    await run(new Answer({ req, res, body, params, state, urls }), mode);
}

function handle(req, res) {
    serve(req, res).catch((error) => {
        console.error(error);
        res.destroy();
    });
}

restart();
if (!state.modes)
    throw new Error(`no such mode '${options.mode}'`);
options.listen ??= ['server', 'http'];
place = await listen(options, handle, remember);
ready(options, place);
