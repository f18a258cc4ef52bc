import type { Request } from 'express';

/**
 * Whether a form comes from another site, which has no business to sign somebody out here. Browsers say it in
 * `Sec-Fetch-Site`, older ones in `Origin`; who says neither is no browser, and bears no cookie that others could use.
 */
export function isFromAnotherSite({ headers }: Pick<Request, 'headers'>, origin: string): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  return headers.origin !== undefined && headers.origin !== origin;
}
