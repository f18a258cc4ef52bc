/** The API: a resource server that takes Portcullis's access tokens. */

import { Router } from 'express';
import { Guard } from 'portcullis-guard';
import { principalOf, protect } from 'portcullis-guard/express';

import type { Settings } from './settings.js';

/** Checks tokens by the issuer's keys, and hears within a second of those that were ended. */
export function createGuard({ issuer, audience, apiClientId, apiClientSecret }: Settings): Guard {
  const feed = { clientId: apiClientId, clientSecret: apiClientSecret };
  return new Guard({ audience, issuers: issuer, feed });
}

export function createApi(guard: Guard): Router {
  const api = Router();

  api.get('/reports', protect(guard, { scope: 'reports.read' }), (request, response) => {
    response.type('text').send(`the reports of ${principalOf(request).subject}`);
  });

  api.get('/me', protect(guard), (request, response) => {
    const { subject, scope } = principalOf(request);
    response.json({ sub: subject, scope: [...scope].join(' ') });
  });

  return api;
}
