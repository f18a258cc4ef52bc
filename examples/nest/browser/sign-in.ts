/** Sign-in by name and password, and sign-out. */

import { isAxiosError } from 'axios';
import express, { type Request, type Response, Router } from 'express';

import { type Client, createClient } from '../client/client.js';
import { statusOf } from '../client/refresh.js';
import { MemoryStore } from '../client/store.js';
import { forwardedFor } from '../src/portcullis.js';
import { loginPage } from './pages.js';
import { sameOrigin } from './same-origin.js';
import { newId, type Session, type Sessions } from './sessions.js';

const form = express.urlencoded({ extended: false, limit: '4kb' });

export function signInRoutes(baseURL: string, sessions: Sessions): Router {
  const router = Router();

  router.get('/login', (_, response) => {
    response.send(loginPage());
  });

  router.post('/login', sameOrigin, form, async (request, response) => {
    const { username, password } = (request.body ?? {}) as Record<string, unknown>;
    if (typeof username !== 'string' || typeof password !== 'string') {
      response.status(400).send(loginPage('', 'Enter your user name and your password.'));
      return;
    }
    const id = newId();
    const client = createClient({ baseURL, store: new MemoryStore(), onSignIn: () => sessions.forget(id) });
    try {
      await client.signIn(username, password, { headers: whereFrom(request) });
    } catch (why) {
      return answerRefusal(response, why, username);
    }
    const name = await nameOf(client);
    await signOut(sessions.take(request));
    sessions.begin(request, response, { id, client, name });
    response.redirect(303, '/');
  });

  router.post('/logout', sameOrigin, async (request, response) => {
    await signOut(sessions.take(request));
    sessions.clearCookie(request, response);
    response.redirect(303, '/');
  });

  return router;
}

/** What the API cannot see of a browser that speaks to this backend. */
const whereFrom = (request: Request) => ({
  'X-Forwarded-For': forwardedFor(request),
  'User-Agent': request.headers['user-agent'] ?? 'unknown',
});

async function nameOf(client: Client): Promise<string> {
  const { data } = await client.http.get<Record<string, unknown>>('/auth/me');
  return String(data['name'] ?? data['preferred_username'] ?? data['sub']);
}

/** Ends the session at Portcullis too. Where it is away, nobody has the tokens any more, and they run out. */
async function signOut(session: Session | undefined): Promise<void> {
  await session?.client.signOut().catch(() => console.warn('a session could not be ended at the API: it is away'));
}

function answerRefusal(response: Response, why: unknown, username: string): void {
  const status = statusOf(why);
  const wait: unknown = isAxiosError(why) ? why.response?.headers['retry-after'] : undefined;
  // Portcullis says 401 to a try that it did not look at, too, and when to come again.
  if (status === 429 || (status === 401 && wait !== undefined)) {
    if (typeof wait === 'string') response.set('Retry-After', wait);
    const when = typeof wait === 'string' && /^\d+$/.test(wait) ? `in ${wait} seconds` : 'later';
    response.status(429).send(loginPage(username, `There were too many tries. Try again ${when}.`));
  } else if (status === 401 || status === 400) {
    response.status(status).send(loginPage(username, 'The user name or the password is wrong.'));
  } else {
    throw why;
  }
}
