// SPDX-License-Identifier: MIT
//
// The ways of the scripted server, by name. Some only say how an answer shall
// be ("slow", "expires", "keycloak"), others send one ("401-auth0", "hang").
// "A+B" is A, then B; where nothing was sent in the end, a token is granted.
// "NAME:ARGUMENT" hands the mode its argument.

import { randomBytes } from 'node:crypto';

import { FAMILIES } from './answer.mjs';
import { hash, now } from './journal.mjs';

const number = (text, otherwise) =>
    (text === undefined ? otherwise : Number(text));
const opaque = () => randomBytes(32).toString('base64url');

// Control characters: clear screen, bell, OSC 52, C1 CSI, bidi override,
// carriage return and newline that could fake another line of output.
const ESCAPES = 'Unauthorized\u001b[2J\u001b[31m\u0007' +
    '\u001b]52;c;ZXZpbA==\u0007\u009b1m\u202e\r\nvaletkey: all is well\u0000';

// Errors that are always the same: [status, object, headers]
const ERRORS = {
    '401-auth0': FAMILIES.auth0.refusal,
    '401-keycloak': FAMILIES.keycloak.refusal,
    '400-identityserver': FAMILIES.identityserver.refusal,
    '403-glewlwyd': FAMILIES.glewlwyd.refusal,
    '401-invalid-client': [401, {
        error: 'invalid_client',
        error_description: 'client authentication failed',
    }],
    '401-basic': [401, { error: 'invalid_client' }, {
        'WWW-Authenticate': 'Basic realm="token", charset="UTF-8"',
    }],
    '401-entra': [401, {
        error: 'invalid_client',
        error_description: 'AADSTS7000215: Invalid client secret provided.',
        error_codes: [7000215],
    }],
    '401-escapes': [401, {
        error: 'access_denied', error_description: ESCAPES,
    }],
    '401-long': [401, {
        error: 'access_denied', error_description: 'long '.repeat(1000),
    }],
    '401-empty': [401, null],
};

// Tokens that must be refused, whatever came with them
const TOKENS = {
    'token-newline': 'line.one\nline.two',
    'token-space': 'two words',
    'token-control': 'bell\u0007escape\u001b[2J',
    'token-nul': 'before\u0000after',
    'token-utf8': 'sch\u00f6n',
    'token-empty': '',
    'token-number': 12345,
    'token-object': { token: 'nested' },
    'token-huge': 'h'.repeat(16 * 1024 + 1),
    'no-token': undefined,
};

// Bodies with status 200 that are no reply
const BODIES = {
    empty: '',
    array: '["access_token"]',
    null: 'null',
    deep: '['.repeat(100000),
    garbage: '\u0000\u0001\u0002 not JSON',
};

const cut = (text) => text.slice(0, text.length / 2);

async function drip(answer, res, text, ms) {
    for (const byte of Buffer.from(text)) {
        if (res.destroyed)
            return;
        res.write(Buffer.of(byte));
        await answer.sleep(ms);
    }
    res.end();
}

function huge(answer) {
    answer.override.padding = 'x'.repeat(2 << 20);
}

// Ends when the client hangs up, or after 1 GiB.
async function endless(answer) {
    const { res } = answer;
    const block = Buffer.alloc(1 << 20, ' ');
    answer.sent = true;
    res.writeHead(200, { 'Content-Type': 'application/json' });
    for (let i = 0; i < 1024 && !res.destroyed; i++)
        if (!res.write(block))
            await new Promise((go) => {
                res.once('drain', go).once('close', go);
            });
    res.end();
}

function closeInHeaders(answer) {
    const { socket } = answer.res;
    answer.sent = true;
    socket.write('HTTP/1.1 200 OK\r\nContent-Ty', () => socket.destroy());
}

function reset(answer) {
    answer.sent = true;
    answer.state.rawSocket(answer.req.socket).resetAndDestroy();
}

// As Camunda does it: the first refusal comes at once, the next ones for the
// same secret late.
async function tarpit(answer, ms) {
    const { id, secret } = answer.presented() ?? {};
    const key = hash(`${id}:${secret}`);
    if (answer.state.refused.has(key))
        await answer.sleep(number(ms, 30000));
    answer.state.refused.add(key);
    await answer.json(...FAMILIES.auth0.refusal);
}

// "N:BLOCK": N requests in a second from one address, counting those that
// fail; then 429, and for BLOCK seconds more if that is given.
function rate(answer, argument = '1') {
    const [perSecond, block = 0] = argument.split(':').map(Number);
    const { sources } = answer.state;
    const source = answer.req.socket.remoteAddress;
    const { times, until } = sources.get(source) ?? { times: [], until: 0 };
    const t = now();
    const recent = times.filter((time) => time > t - 1000);
    const isBlocked = t < until;
    const isOver = isBlocked || recent.length >= perSecond;
    const end = isOver && !isBlocked ? t + block * 1000 : until;
    const left = Math.ceil((end - t) / 1000);
    sources.set(source, { times: [...recent, t], until: end });
    if (isOver)
        answer.html(429, block && { 'Retry-After': left });
}

// The literal as it stands: 0, -5, 1e12, "3600", null, 3600.5
function expires(answer, literal) {
    answer.edit = (text) => text.replace(
        /"expires_in":\d+/, () => `"expires_in":${literal}`);
}

// The same token until it ends, with the life that is left.
function sameToken(answer, seconds) {
    const { state } = answer;
    const ttl = number(seconds, state.ttl);
    if (!state.same || state.same.end <= answer.seconds)
        state.same = { token: answer.mint(ttl), end: answer.seconds + ttl };
    answer.override.access_token = state.same.token;
    answer.override.expires_in = state.same.end - answer.seconds;
}

function echo({ req, body }) {
    return `cannot handle ${req.headers.authorization ?? ''} ${body}`;
}

function error(answer, argument) {
    const [name, status = '400'] = argument.split(':');
    return answer.error(Number(status), name, `this is ${name}`);
}

// status and Retry-After, in seconds or as a date, if an argument says when
const later = (status) => (answer, seconds) =>
    answer.html(status, seconds && { 'Retry-After': seconds });
const laterDate = (status) => (answer, seconds) =>
    answer.html(status, { 'Retry-After': answer.date(Number(seconds)) });

const each = (table, make) => Object.fromEntries(
    Object.entries(table).map(([name, row]) => [name, make(row)]));

export const MODES = {
    ok() {},

    // who answers, and how
    ...each(FAMILIES, (family) => (a) => { a.family = family; }),
    slow: (a, ms) => a.sleep(Number(ms)),
    drip: (a, ms) => {
        a.deliver = (res, text) => drip(a, res, text, Number(ms));
    },
    close: (a) => {
        a.deliver = (res, text) =>
            res.write(cut(text), () => res.socket?.destroy());
    },
    'hang-body': (a) => { a.deliver = (res, text) => res.write(cut(text)); },
    truncated: (a) => { a.edit = cut; },
    'date-skew': (a, seconds) => { a.skew = Number(seconds); },
    'date-none': (a) => { a.res.sendDate = false; },

    // odd replies
    opaque: (a) => { a.override.access_token = opaque(); },
    ...each(TOKENS, (token) => (a) => { a.override.access_token = token; }),
    ttl: (a, seconds) => { a.override.expires_in = Number(seconds); },
    'expires-missing': (a) => { a.override.expires_in = undefined; },
    'expires-string': (a) => expires(a, '"3600"'),
    expires,
    'jwt-exp': (a, seconds) => { a.claims.exp = a.seconds + Number(seconds); },
    'jwt-past': (a) => { a.claims.exp = a.seconds - 60; },
    type: (a, type) => { a.override.token_type = type; },
    'type-lower': (a) => { a.override.token_type = 'bearer'; },
    'type-missing': (a) => { a.override.token_type = undefined; },
    'type-dpop': (a) => { a.override.token_type = 'DPoP'; },
    'same-token': sameToken,
    'body-huge': huge,

    // no reply at all
    ...each(BODIES, (text) => (a) =>
        a.send(200, { 'Content-Type': 'application/json' }, text)),
    html: (a) => a.html(200),
    'body-endless': endless,
    hang: (a) => { a.sent = true; },
    'close-headers': closeInHeaders,
    'close-silent': (a) => {
        a.sent = true;
        a.res.destroy();
    },
    reset,
    redirect: (a, status) => a.send(
        number(status, 302), { Location: '/m/ok/redirected' }, ''),
    'redirect-http': (a) => a.send(
        302, { Location: `${a.urls.http}/m/ok/redirected` }, ''),

    // errors
    ...each(ERRORS, (row) => (a) => a.json(...row)),
    '401-html': (a) => a.html(401),
    '401-echo': (a) => a.error(401, 'access_denied', echo(a)),
    '401-tarpit': tarpit,
    '403-auth0-grant': (a) => a.error(403, 'access_denied',
        `Client is not authorized to access "${a.audience}".`),
    '403-auth0-service': (a) => a.error(403, 'access_denied',
        `Service not enabled within domain: ${a.audience}`),
    err: error,
    status: (a, status) => a.html(Number(status)),
    500: (a) => a.html(500),
    503: later(503),
    '503-date': laterDate(503),
    429: later(429),
    '429-date': laterDate(429),
    '429-none': (a) => a.html(429),
    '429-auth0': (a) => a.json(429, {
        error: 'too_many_requests',
        error_description: 'Global limit has been reached',
    }, {
        'x-ratelimit-limit': '1',
        'x-ratelimit-remaining': '0',
        'x-ratelimit-reset': String(a.seconds + 7),
    }),
    rate,
};

function split(mode) {
    return mode.split('+').map((part) => {
        const [, name, argument] = /^([^:]*)(?::(.*))?$/s.exec(part);
        return { name, argument };
    });
}

export function isMode(mode) {
    return split(mode).every(({ name }) => Object.hasOwn(MODES, name));
}

export async function run(answer, mode) {
    for (const { name, argument } of split(mode)) {
        await MODES[name](answer, argument);
        if (answer.sent || answer.res.destroyed)
            return;
    }
    await answer.grant();
}
