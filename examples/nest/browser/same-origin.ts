import type { NextFunction, Request, Response } from 'express';

import { messagePage } from './pages.js';

/**
 * Refuses forms that another site has sent here, to sign a person in or out. Browsers say where a form comes from in
 * `Sec-Fetch-Site`, older ones in `Origin`; who says neither is no browser, and has no cookies that others could use.
 */
export function sameOrigin(request: Request, response: Response, next: NextFunction): void {
  if (isSameOrigin(request)) return next();
  response.status(403).send(messagePage('Not allowed', 'This form was sent by another site. Go back and use ours.'));
}

function isSameOrigin({ headers }: Request): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin' || site === 'none';
  const { origin, host } = headers;
  return origin === undefined || (URL.canParse(origin) && new URL(origin).host === host);
}
