/** The client: what a browser sees. Tokens stay here; the browser has a cookie that names its session. */

import { randomBytes } from 'node:crypto';

import { type Request, type Response, Router } from 'express';

import { Cookie } from './cookies.js';
import { Kept } from './kept.js';
import { homePage, reportsPage, signedOutPage } from './pages.js';
import { Problem, Unavailable } from './problem.js';
import { Provider, type SignIn, SignInNeeded } from './provider.js';
import { isFromAnotherSite } from './same-origin.js';
import { Session } from './session.js';
import type { Settings } from './settings.js';

const newId = () => randomBytes(32).toString('base64url');

export function createClient(settings: Settings): Router {
  const provider = new Provider(settings);
  const sessions = new Kept<Session>(10_000, 8 * 3600);
  const cookie = new Cookie('session', settings.origin);
  const client = Router();

  client.use(
    signInRoutes(settings, provider, (request, response, session) => {
      // A new id: nobody who knew the one before is signed in by this.
      sessions.take(cookie.of(request));
      const id = newId();
      sessions.put(id, session);
      cookie.set(response, id);
    }),
  );

  client.get('/', (request, response) => {
    const session = sessions.find(cookie.of(request));
    response.send(session === undefined ? signedOutPage() : homePage(session.name));
  });

  client.get('/reports', async (request, response) => {
    const id = cookie.of(request);
    const session = sessions.find(id);
    if (session === undefined) return response.redirect(303, '/login');
    try {
      const { status, text } = await session.ask(`${settings.origin}/api/reports`);
      if (status === 403) throw new Problem(403, 'You are signed in, but these reports are not for you.');
      if (status !== 200) throw new Unavailable('The API', new Error(`it has answered ${status}`));
      response.send(reportsPage(text));
    } catch (why) {
      if (!(why instanceof SignInNeeded)) throw why;
      // The cookie stays: another tab may have a new one by now.
      sessions.take(id);
      response.redirect(303, '/login');
    }
  });

  client.post('/logout', async (request, response) => {
    if (isFromAnotherSite(request, settings.origin)) {
      throw new Problem(403, 'This form was sent by another site. Sign out by the button of this one.');
    }
    const session = sessions.take(cookie.of(request));
    cookie.clear(response);
    response.redirect(303, session === undefined ? '/' : (await provider.signOutUrl(session.tokens)).href);
  });

  return client;
}

/** To Portcullis and back; `welcome` is told of who has signed in. */
function signInRoutes(
  { origin }: Settings,
  provider: Provider,
  welcome: (request: Request, response: Response, session: Session) => void,
): Router {
  // Apart from the sessions: anybody can begin as many as they like, and would push out who is signed in.
  const signIns = new Kept<SignIn & { browser: string }>(10_000, 600);
  const cookie = new Cookie('sign-in', origin);
  const routes = Router();

  routes.get('/login', async (request, response) => {
    const { url, signIn } = await provider.beginSignIn();
    // The browser's id binds the answer to the browser that has asked; tabs share it.
    const browser = cookie.of(request) || newId();
    signIns.put(signIn.state, { ...signIn, browser });
    cookie.set(response, browser);
    response.redirect(303, url.href);
  });

  routes.get('/callback', async (request, response) => {
    const query = new URL(request.originalUrl, origin).searchParams;
    const signIn = signIns.take(query.get('state') ?? '');
    if (signIn === undefined || signIn.browser !== cookie.of(request)) {
      throw new Problem(400, 'This sign-in was not begun in this browser, took too long, or is done already.');
    }
    const { tokens, name } = await provider.finishSignIn(query, signIn);
    welcome(request, response, new Session(provider, name, tokens));
    response.redirect(303, '/');
  });

  return routes;
}
