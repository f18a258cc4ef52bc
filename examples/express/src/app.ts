/** Client and API in one process, with what belongs to every answer. */

import { fileURLToPath } from 'node:url';

import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import type { Guard } from 'portcullis-guard';

import { createApi } from './api.js';
import { createClient } from './client.js';
import { problemPage } from './pages.js';
import { Problem } from './problem.js';
import type { Settings } from './settings.js';

export function createApp(settings: Settings, guard: Guard): Express {
  const app = express();
  app.disable('x-powered-by');
  app.use(headers(settings));
  app.use('/api', createApi(guard));
  app.use(createClient(settings));
  app.use(express.static(fileURLToPath(new URL('../../public', import.meta.url))));
  app.use(() => {
    throw new Problem(404, 'There is no such page.');
  });
  app.use(answerError);
  return app;
}

function headers(settings: Settings) {
  const fixed = {
    'Content-Security-Policy': [
      "default-src 'none'",
      "style-src 'self'",
      // The answer to "Sign out" leads to the issuer.
      `form-action 'self' ${new URL(settings.issuer).origin}`,
      "frame-ancestors 'none'",
      "base-uri 'none'",
    ].join('; '),
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'same-origin',
    'Cache-Control': 'no-store',
  };
  return (_: Request, response: Response, next: NextFunction) => {
    response.set(fixed);
    next();
  };
}

/** A page for whatever went wrong: never more than a person needs. */
function answerError(why: unknown, _: Request, response: Response, next: NextFunction): void {
  if (response.headersSent) return next(why);
  const { status = 500 } = (why ?? {}) as { status?: number };
  if (why instanceof Problem) {
    if (why.status === 503) console.warn(`${why.message} (${wording(why.cause)})`);
    response.status(why.status).send(problemPage(why.status, why.message));
  } else if (status >= 400 && status < 500) {
    response.status(400).send(problemPage(400, 'The request could not be read.'));
  } else {
    console.error(wording(why));
    response.status(500).send(problemPage(500, 'That is our fault. Try again.'));
  }
}

/** Messages alone: what else an error of the protocol has may be a token. */
function wording(why: unknown): string {
  if (!(why instanceof Error)) return 'no cause is known';
  return why.cause instanceof Error ? `${why.message}: ${wording(why.cause)}` : why.message;
}
