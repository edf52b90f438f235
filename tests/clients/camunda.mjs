// SPDX-License-Identifier: MIT
//
// One call of Camunda's SDK, as a worker makes it: all it knows comes from
// the environment. Prints the answer; ends with 1 and the reason if there is
// none.
//
//   ZEEBE_REST_ADDRESS=http://127.0.0.1:PORT node camunda.mjs
//
// Environment: CLIENT_MODULES   a directory that has node_modules, if not here

import { createRequire } from 'node:module';
import { join } from 'node:path';

const base = process.env.CLIENT_MODULES;
const require = createRequire(base ? join(base, 'x.js') : import.meta.url);
const { Camunda8 } = require('@camunda8/sdk');

try {
    const client = new Camunda8().getCamundaRestClient();
    console.log(JSON.stringify(await client.getTopology()));
    process.exit(0);
} catch (error) {
    console.error(String(error.message).split('\n')[0]);
    process.exit(1);
}
