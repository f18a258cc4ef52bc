/** An API behind the guard, with Express. */

import express from 'express';
import { Guard } from 'portcullis-guard';
import { principalOf, protect } from 'portcullis-guard/express';

import { figures, listen, setting, whenBehind } from './environment.js';

const guard = new Guard({
  audience: setting('AUDIENCE'),
  issuers: setting('ISSUER'),
  feed: { clientId: setting('CLIENT_ID'), clientSecret: setting('CLIENT_SECRET'), whenBehind },
});

const app = express();

app.get('/me', protect(guard), (request, response) => {
  const { subject, tenant = null } = principalOf(request);
  response.json({ sub: subject, tenant });
});

app.get('/reports', protect(guard, { scope: 'reports.read' }), (request, response) => {
  response.send(`the reports of ${principalOf(request).subject}`);
});

app.get('/transfer', protect(guard, { acrValues: ['gold'], maxAge: 300 }), (_, response) => {
  response.send('transferred');
});

app.get('/figures', (_, response) => {
  response.json(figures(guard));
});

const { host, port } = listen();
const server = app.listen(port, host);

process.once('SIGTERM', () => {
  guard.close();
  server.close();
});
