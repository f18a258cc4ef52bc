/** Serves the page with its settings, and the API that it calls. */

import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';

import { fastify } from 'fastify';

import { serveApi } from './api.js';
import { readSettings } from './settings.js';

/** What is served, and no other file. One page is at three addresses: its script looks at which. */
const FILES = {
  '/': './index.html',
  '/login': './index.html',
  '/callback': './index.html',
  '/app.js': './app.js',
  '/client.js': './client.js',
  '/style.css': './style.css',
  '/oauth4webapi.js': import.meta.resolve('oauth4webapi'),
};

/** @type {Record<string, string>} */
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' };

const settings = readSettings(process.env);
const { issuer, clientId, scope } = settings;

const HEADERS = {
  'Content-Security-Policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    `connect-src 'self' ${new URL(issuer).origin}`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'X-Content-Type-Options': 'nosniff',
  // The address of a callback bears a code.
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
};

const app = fastify();
app.addHook('onRequest', async (_, reply) => {
  reply.headers(HEADERS);
});

for (const [path, file] of Object.entries(FILES)) {
  const body = await readFile(new URL(file, import.meta.url));
  app.get(path, (_, reply) => reply.type(`${TYPES[extname(file)]}; charset=utf-8`).send(body));
}
app.get('/settings.json', async () => ({ issuer, clientId, scope }));
serveApi(app, settings);

/** Lets requests finish that are under way; a browser's idle connections are not waited for. */
function end() {
  void app.close();
  setTimeout(() => app.server.closeAllConnections(), 3_000).unref();
}
process.once('SIGTERM', end);
process.once('SIGINT', end);
console.log(`${await app.listen(settings.listen)}, with users of ${issuer}`);
