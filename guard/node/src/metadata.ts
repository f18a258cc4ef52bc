import { type Http, StatusError } from './http.js';

/** How much of an answer is read: a key set of a hundred keys is far below. */
export const MOST_BYTES = 512 * 1024;

/** What an issuer says of itself (RFC 8414, OpenID Connect Discovery 1.0), as far as a guard needs it. */
export interface Metadata {
  readonly jwksUri: string;
  readonly tokenEndpoint: string | undefined;
  readonly introspectionEndpoint: string | undefined;
}

/** There is no issuer of this name, or another answers for it: to ask again would bring nothing else. */
export class NoIssuer extends Error {}

/**
 * Reads the metadata of an issuer.
 *
 * @throws {@link NoIssuer}; any other error where it could not be had.
 */
export async function readMetadata(http: Http, issuer: string): Promise<Metadata> {
  const { issuer: named, ...endpoints } = await first(http, addresses(issuer));
  // RFC 8414 §3.3: whoever answers for another issuer must not be believed.
  if (named !== issuer) throw new NoIssuer(`the metadata is of ${JSON.stringify(named)}`);
  const endpoint = (name: string): string | undefined => {
    const address = endpoints[name] ?? undefined;
    if (address !== undefined && typeof address !== 'string') throw new TypeError(`${name} is no text`);
    if (issuer.startsWith('https:') && address?.startsWith('https:') === false) {
      throw new Error(`${name} is no address of https, which the issuer's own is`);
    }
    return address;
  };
  const jwksUri = endpoint('jwks_uri');
  if (jwksUri === undefined) throw new TypeError('jwks_uri is missing');
  return {
    jwksUri,
    tokenEndpoint: endpoint('token_endpoint'),
    introspectionEndpoint: endpoint('introspection_endpoint'),
  };
}

/** The addresses where metadata may be: OpenID Connect's, and RFC 8414's, which puts the path last. */
function addresses(issuer: string): [string, string] {
  const base = issuer.replace(/\/+$/, '');
  const origin = /^[^:]+:\/\/[^/]*/.exec(base)?.[0] ?? base;
  return [
    `${base}/.well-known/openid-configuration`,
    `${origin}/.well-known/oauth-authorization-server${base.slice(origin.length)}`,
  ];
}

/** The document at the first address, or at the second where the first answers with an error. */
async function first(http: Http, [openid, oauth]: [string, string]): Promise<Record<string, unknown>> {
  const read = async (address: string) => {
    const { value } = await http.json(address, MOST_BYTES);
    if (typeof value !== 'object' || value === null) throw new TypeError('the metadata is no object');
    return value as Record<string, unknown>;
  };
  try {
    return await read(openid);
  } catch (why) {
    // A redirect is no answer about the issuer, neither that it is here nor that it is not.
    if (!(why instanceof StatusError) || why.status < 400) throw why;
    return await read(oauth).catch((second: unknown) => {
      const isGone = why.isGone && second instanceof StatusError && second.isGone;
      throw isGone ? new NoIssuer('there is no such issuer') : second;
    });
  }
}

/** For how many seconds `Cache-Control` lets an answer be held (RFC 9111 §5.2.2); zero where it may not be. */
export function maxAge(headers: Headers): number | undefined {
  for (const directive of headers.get('cache-control')?.toLowerCase().split(',') ?? []) {
    if (/^\s*no-(store|cache)\s*$/.test(directive)) return 0;
    const seconds = /^\s*max-age\s*=\s*"?(\d+)"?\s*$/.exec(directive)?.[1];
    if (seconds !== undefined) return Number(seconds);
  }
  return undefined;
}
