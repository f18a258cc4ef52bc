/**
 * The browser edition: a backend that keeps the tokens and gives the browser a cookie. A script in a page, ours or one
 * that was slipped in, cannot read what is not there.
 */

import { isAxiosError } from 'axios';
import express, { type Express, type NextFunction, type Request, type Response } from 'express';

import { SignInNeeded } from '../client/client.js';
import { statusOf } from '../client/refresh.js';
import { homePage, messagePage, reportsPage, signedOutPage } from './pages.js';
import { Sessions } from './sessions.js';
import { signInRoutes } from './sign-in.js';

const HEADERS = {
  'Content-Security-Policy': "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  'Cache-Control': 'no-store',
  'Referrer-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
};

export function createBrowserEdition(apiAddress: string): Express {
  const app = express();
  const sessions = new Sessions();
  app.disable('x-powered-by');
  app.use((_, response, next) => {
    response.set(HEADERS);
    next();
  });
  app.use(signInRoutes(apiAddress, sessions));

  app.get('/', (request, response) => {
    const session = sessions.find(request);
    response.send(session === undefined ? signedOutPage() : homePage(session.name));
  });

  app.get('/reports', async (request, response) => {
    const session = sessions.find(request);
    if (session === undefined) return response.redirect(303, '/login');
    try {
      const { data } = await session.client.http.get<string>('/reports', { responseType: 'text' });
      response.send(reportsPage(data));
    } catch (why) {
      if (!isSignInLeft(why)) throw why;
      sessions.forget(session.id);
      response.redirect(303, '/login');
    }
  });

  app.use((_, response) => {
    response.status(404).send(messagePage('Not found', 'There is no such page.'));
  });
  app.use(answerError);
  return app;
}

/** A pair that cannot be refreshed; or a new one that the API refuses like the one before. */
function isSignInLeft(why: unknown): boolean {
  return why instanceof SignInNeeded || statusOf(why) === 401;
}

/** The API has refused, or it or what it needs is away; or the request was none. */
function answerError(why: unknown, _: Request, response: Response, next: NextFunction): void {
  if (response.headersSent) return next(why);
  const { status } = (why ?? {}) as { status?: unknown };
  if (statusOf(why) === 403) {
    response.status(403).send(messagePage('Not allowed', 'You are signed in, but this is not for you.'));
  } else if (isAxiosError(why)) {
    response.status(503).send(messagePage('Not available', 'This is not available at the moment. Try again soon.'));
  } else if (typeof status === 'number' && status >= 400 && status < 500) {
    response.status(status).send(messagePage('Not understood', 'The request could not be read. Try again.'));
  } else {
    // Its message alone: an error may hold what was sent.
    console.error(why instanceof Error ? `${why.name}: ${why.message}` : 'something was thrown that is no error');
    response.status(500).send(messagePage('Something went wrong', 'That is our fault. Try again.'));
  }
}
