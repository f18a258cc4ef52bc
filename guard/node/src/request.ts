import type { IncomingMessage } from 'node:http';

import type { Guard } from './guard.js';
import type { Principal } from './principal.js';

/** What a route needs beside a good token; nothing where nothing is said. */
export interface Needs {
  /** Scope tokens, all of them. */
  readonly scope?: string | readonly string[];
  /** How the user must have authenticated, one of these ways, the most welcome first (RFC 9470). */
  readonly acrValues?: readonly string[];
  /** Seconds since the user authenticated, at most (RFC 9470). */
  readonly maxAge?: number;
}

/** A request, as far as a guard looks at it. */
export type GuardedRequest = Pick<IncomingMessage, 'headers' | 'rawHeaders'>;

const principals = new WeakMap<GuardedRequest, Principal>();

/**
 * Demands that a request bears a good token, with what is needed.
 *
 * @throws {@link Refusal}
 */
export async function authorize(guard: Guard, request: GuardedRequest, needs: Needs = {}): Promise<Principal> {
  const principal = await guard.verifyHeader(authorizations(request));
  demand(principal, needs);
  principals.set(request, principal);
  return principal;
}

/** @throws {@link Refusal} where a principal has not what is needed. */
export function demand(principal: Principal, { scope = [], acrValues = [], maxAge }: Needs): void {
  principal.require(...[scope].flat());
  principal.requireAuthentication(acrValues, maxAge);
}

/** Whom a request speaks for. @throws TypeError where no guard has let it in. */
export function principalOf(request: GuardedRequest): Principal {
  const principal = principals.get(request);
  if (principal === undefined) throw new TypeError('no guard has let this request in');
  return principal;
}

/** Each `Authorization` header. Of two Node keeps the first alone in `headers`: the raw ones have both. */
function authorizations({ headers, rawHeaders }: GuardedRequest): string[] {
  const isNamed = (at: number) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === 'authorization';
  const sent = rawHeaders.filter((_, at) => isNamed(at));
  // One that was not sent was put there by the program itself, as some do that keep the token in a cookie.
  const put = headers.authorization;
  return sent.length === 0 && put !== undefined ? [put] : sent;
}
