/** An API behind the guard, with Fastify. */

import { fastify } from 'fastify';
import { Guard } from 'portcullis-guard';
import { principalOf, protect } from 'portcullis-guard/fastify';

import { figures, listen, setting, whenBehind } from './environment.js';

const guard = new Guard({
  audience: setting('AUDIENCE'),
  issuers: setting('ISSUER'),
  feed: { clientId: setting('CLIENT_ID'), clientSecret: setting('CLIENT_SECRET'), whenBehind },
});

const app = fastify();
app.addHook('onClose', () => guard.close());

app.get('/me', { onRequest: protect(guard) }, async (request) => {
  const { subject, tenant = null } = principalOf(request);
  return { sub: subject, tenant };
});

app.get('/reports', { onRequest: protect(guard, { scope: 'reports.read' }) }, async (request) => {
  return `the reports of ${principalOf(request).subject}`;
});

app.get('/transfer', { onRequest: protect(guard, { acrValues: ['gold'], maxAge: 300 }) }, async () => {
  return 'transferred';
});

app.get('/figures', async () => figures(guard));

process.once('SIGTERM', () => void app.close());
await app.listen(listen());
