// SPDX-License-Identifier: MIT
//
// A certified authorization server (npm oidc-provider) behind a front that
// gives it the looks of the services that valetkey is used with: their
// paths, "audience", and JSON bodies.
//
//   node oidc.mjs --pki DIR [--clients FILE] [--port N]
//
// Environment: TTL      life of a token in seconds (300)
//              FORMAT   jwt or opaque
//              OIDC_CLIENTS   the same as --clients
//              OIDC_MODULES   a directory that has node_modules, if not here

import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { Journal, readBody, readParams } from './journal.mjs';
import { listen, readClients, readOptions, ready } from './listen.mjs';

// Standard output is for the ready line; the package talks on it.
console.info = console.error;

const UGLY_SECRET = 'p~q_r-.s%20+/=&:x';
const BUILT_IN = [
    {
        client_id: 'post',
        client_secret: 'post~Secret_-.1',
        auth: 'client_secret_post',
    },
    {
        client_id: 'basic',
        client_secret: UGLY_SECRET,
        auth: 'client_secret_basic',
    },
];
const TOKEN_PATHS = [
    '/token',
    '/oauth/token',
    '/connect/token',
    '/auth/realms/camunda-platform/protocol/openid-connect/token',
];
const URN = 'urn:audience:';

const options = readOptions();
const ttl = Number(process.env.TTL ?? 300);
const format = process.env.FORMAT ?? 'jwt';

function fromHere() {
    const base = process.env.OIDC_MODULES;
    if (!base)
        return 'oidc-provider';
    const require = createRequire(join(base, 'none.js'));
    return pathToFileURL(require.resolve('oidc-provider')).href;
}

function register({ client_id, client_secret, auth }) {
    return {
        client_id,
        client_secret,
        token_endpoint_auth_method: auth ?? 'client_secret_post',
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
    };
}

// The provider wants an absolute URI; the front hides the audience in one.
function audienceOf(resource) {
    if (!resource.startsWith(URN))
        return resource;
    return decodeURIComponent(resource.slice(URN.length));
}

function resourceServer(ctx, resource) {
    return {
        scope: 'api',
        audience: audienceOf(resource),
        accessTokenTTL: ttl,
        accessTokenFormat: format,
        jwt: { sign: { alg: 'RS256' } },
    };
}

function configuration() {
    const extra = readClients(options.clients ?? process.env.OIDC_CLIENTS);
    return {
        clients: [...BUILT_IN, ...extra].map(register),
        clientAuthMethods: ['client_secret_basic', 'client_secret_post'],
        features: {
            clientCredentials: { enabled: true },
            devInteractions: { enabled: false },
            resourceIndicators: {
                enabled: true,
                getResourceServerInfo: resourceServer,
            },
        },
        responseTypes: [],
        scopes: ['api'],
        ttl: { ClientCredentials: ttl },
    };
}

// An empty audience is none: the token is opaque then.
function toProvider(params) {
    const { audience, ...rest } = params;
    if (audience)
        rest.resource = URN + encodeURIComponent(audience);
    return rest;
}

const journal = new Journal();
let provider;

async function serveToken(req, res) {
    const params = readParams(req, await readBody(req));
    journal.note(req, res, { params, mode: 'oidc' });
    req.url = '/token';
    if (params) {
        req.body = toProvider(params);
        req.headers['content-type'] = 'application/x-www-form-urlencoded';
    }
    provider(req, res);
}

function handle(req, res) {
    const path = req.url.split('?')[0].replace(/\/$/, '');
    if (journal.serve(req, res))
        return;
    if (!TOKEN_PATHS.includes(path)) {
        provider(req, res);
        return;
    }
    serveToken(req, res).catch((error) => {
        console.error(error);
        res.destroy();
    });
}

options.listen ??= ['server'];
const place = await listen(options, handle);
const { default: Provider } = await import(fromHere());
provider = new Provider(place.url, configuration()).callback();
ready(options, place);
