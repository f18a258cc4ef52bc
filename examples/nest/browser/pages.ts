/** What a person sees: plain HTML, without a script. */

import { Html, html } from './html.js';

function page(title: string, content: Html): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
</head>
<body>
<main>
<h1>${title}</h1>
${content}
</main>
</body>
</html>
`.text;
}

export const signedOutPage = () => page('Acme', html`<p><a href="/login">Sign in</a></p>`);

export const homePage = (name: string) =>
  page(
    'Acme',
    html`<p>Signed in as ${name}</p>
<p><a href="/reports">Reports</a></p>
<form method="post" action="/logout"><button>Sign out</button></form>`,
  );

export const loginPage = (username = '', error = '') =>
  page(
    'Sign in',
    html`${error === '' ? '' : html`<p role="alert">${error}</p>`}
<form method="post" action="/login">
<p><label for="username">User name</label>
<input id="username" name="username" value="${username}" autocomplete="username" required></p>
<p><label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required></p>
<p><button>Sign in</button></p>
</form>`,
  );

export const reportsPage = (text: string) => page('Reports', html`<p>${text}</p>
<p><a href="/">Back</a></p>`);

export const messagePage = (title: string, text: string) => page(title, html`<p>${text}</p>
<p><a href="/">Back</a></p>`);
