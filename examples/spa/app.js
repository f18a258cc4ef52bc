/** The page. What it does is in client.js. */

import { Client, SignInFailed, SignInNeeded, Unavailable } from './client.js';

const element = (/** @type {string} */ selector) =>
  /** @type {HTMLElement} */ (document.querySelector(selector));
const status = element('[role=status]');
const buttons = /** @type {HTMLFieldSetElement} */ (element('fieldset'));

/** Says something, with a way to sign in where that is what is left to do. */
function say(/** @type {string} */ text, { signIn = false } = {}) {
  status.replaceChildren(text);
  if (!signIn) return;
  // A link: /login is this same page, which goes on from there.
  const link = Object.assign(document.createElement('a'), { href: '/login', textContent: 'Sign in' });
  status.append(' ', link);
}

/** Shows who is signed in. */
function show(/** @type {Client} */ client) {
  element('legend').textContent = client.name === undefined ? 'Signed out' : `Signed in as ${client.name}`;
  buttons.disabled = client.name === undefined;
}

async function reports(/** @type {Client} */ client) {
  const answer = await client.ask('/api/reports');
  if (answer.status === 200) say(answer.text);
  else if (answer.status === 403) say('These reports are not for you. Somebody else may:', { signIn: true });
  else say('The reports cannot be had at the moment. Try again soon.');
}

async function twentyAtOnce(/** @type {Client} */ client) {
  const answers = await Promise.all(Array.from({ length: 20 }, () => client.ask('/api/reports')));
  say(`${answers.filter(({ status }) => status === 200).length} of 20 answered`);
}

async function signOut(/** @type {Client} */ client) {
  const url = client.signOutUrl();
  show(client);
  say('Signing out…');
  location.assign(await url);
}

/** What a page does that is opened: at /login it goes to sign in, at /callback it comes back from there. */
async function open(/** @type {Client} */ client) {
  switch (location.pathname) {
    case '/login':
      say('To the sign-in…');
      // In the place of this page: who goes back does not begin anew.
      return location.replace(await client.signInUrl());
    case '/callback': {
      const query = new URLSearchParams(location.search);
      // The code is out of the address before anything else is done.
      history.replaceState(null, '', '/');
      await client.finishSignIn(query);
      return say('');
    }
    default:
      // After a reload, too. Portcullis has a session of its own: it asks for no password again.
      return say('You are signed out.', { signIn: true });
  }
}

/** Does something, and says it where it cannot be done. */
async function attempt(/** @type {Client} */ client, /** @type {(client: Client) => Promise<void>} */ action) {
  try {
    await action(client);
  } catch (why) {
    if (why instanceof SignInNeeded) say('Your session has ended.', { signIn: true });
    else if (why instanceof SignInFailed) say(why.message, { signIn: true });
    else if (why instanceof Unavailable) say(`${why.message} Try again soon.`, { signIn: client.name === undefined });
    else {
      say('Something went wrong, and that is our fault. Reload the page.');
      throw why;
    }
  } finally {
    show(client);
  }
}

const settings = await (await fetch('/settings.json')).json();
const client = new Client({ ...settings, origin: location.origin }, sessionStorage);

for (const [id, action] of Object.entries({ reports, twenty: twentyAtOnce, 'sign-out': signOut })) {
  element(`#${id}`).addEventListener('click', () => attempt(client, action));
}
await attempt(client, open);
