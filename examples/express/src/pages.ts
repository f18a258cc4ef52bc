/** The pages: plain HTML, without a script. */

import { type Html, html } from './html.js';

function page(title: string, content: Html): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<link rel="stylesheet" href="/style.css">
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

export const reportsPage = (text: string) =>
  page('Reports', html`<p>${text}</p>
<p><a href="/">Back</a></p>`);

const TITLES: Readonly<Record<number, string>> = {
  400: 'That did not work',
  403: 'Not allowed',
  404: 'Not found',
  503: 'Not available',
};

export const problemPage = (status: number, text: string) =>
  page(TITLES[status] ?? 'Something went wrong', html`<p>${text}</p>
<p><a href="/">To the start</a></p>`);
