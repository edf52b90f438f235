// SPDX-License-Identifier: MIT
//
// One long-lived client of a cluster, by npm's @kubernetes/client-node: asks
// for /version some times and prints the status of each answer.  It keeps a
// token for each user's name until that ends, so each time it has another.
//
//   node kubernetes.mjs KUBECONFIG TIMES
//
// Environment: CLIENT_MODULES   a directory that has node_modules, if not here

import https from 'node:https';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const base = process.env.CLIENT_MODULES;
const require = createRequire(
    base ? pathToFileURL(join(base, 'package.json')) : import.meta.url);
const { KubeConfig } = await import(
    pathToFileURL(require.resolve('@kubernetes/client-node')));

const [file, times] = process.argv.slice(2);

async function ask(number) {
    const config = new KubeConfig();
    config.loadFromFile(file);
    const [user] = config.users;
    const name = `${user.name}-${number}`;
    config.users = [{ ...user, name }];
    config.contexts = config.contexts.map(
        (context) => ({ ...context, user: name }));
    const options = { headers: {} };
    await config.applyToHTTPSOptions(options);
    const url = `${config.getCurrentCluster().server}/version`;
    return new Promise((resolve, reject) => {
        https.get(url, options, (answer) => {
            answer.resume();
            answer.on('end', () => resolve(answer.statusCode));
        }).on('error', reject);
    });
}

for (let number = 0; number < Number(times); number++)
    console.log(await ask(number));
