/** The API: a resource server that takes Portcullis's access tokens. */

import { Guard } from 'portcullis-guard';
import { principalOf, protect } from 'portcullis-guard/fastify';

/**
 * @param {import('fastify').FastifyInstance} app
 * @param {import('./settings.js').Settings} settings
 */
export function serveApi(app, { issuer, audience, apiClientId, apiClientSecret }) {
  // It checks tokens by the issuer's keys, and hears within a second of those that were ended.
  const feed = { clientId: apiClientId, clientSecret: apiClientSecret };
  const guard = new Guard({ audience, issuers: issuer, feed });
  app.addHook('onClose', () => guard.close());

  app.get('/api/reports', { onRequest: protect(guard, { scope: 'reports.read' }) }, async (request, reply) => {
    reply.type('text/plain; charset=utf-8');
    return `the reports of ${principalOf(request).subject}`;
  });

  app.get('/api/me', { onRequest: protect(guard) }, async (request) => {
    const { subject, scope } = principalOf(request);
    return { sub: subject, scope: [...scope].join(' ') };
  });
}
