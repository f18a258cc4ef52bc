/** Who is signed in at this backend. */

import { randomBytes } from 'node:crypto';

import type { Request, Response } from 'express';

import type { Client } from '../client/client.js';

const MOST = 10_000;
const LASTS_MS = 8 * 3600 * 1000;
const COOKIE = 'session';

export interface Session {
  readonly id: string;
  readonly client: Client;
  readonly name: string;
}

/** An id that nobody can guess. */
export const newId = () => randomBytes(32).toString('base64url');

/**
 * Sessions in the memory of this process, which go when it does. In production they belong into a database or Redis,
 * shared by all processes, with the pair in a `RedisStore`: so one that restarts signs nobody out.
 */
export class Sessions {
  readonly #byId = new Map<string, Session & { readonly until: number }>();

  find(request: Request): Session | undefined {
    const session = this.#byId.get(idOf(request));
    return session !== undefined && session.until > Date.now() ? session : undefined;
  }

  /** Begins one whose id is new, whatever cookie was sent. */
  begin(request: Request, response: Response, session: Session): void {
    this.#byId.set(session.id, { ...session, until: Date.now() + LASTS_MS });
    this.#prune();
    response.cookie(COOKIE, session.id, { ...cookie(request), maxAge: LASTS_MS });
  }

  /** Takes the request's session out, where it has one. */
  take(request: Request): Session | undefined {
    const session = this.find(request);
    if (session !== undefined) this.forget(session.id);
    return session;
  }

  /** Leaves the cookie alone: in another tab there may be a new one by now. */
  forget(id: string): void {
    this.#byId.delete(id);
  }

  clearCookie(request: Request, response: Response): void {
    response.clearCookie(COOKIE, cookie(request));
  }

  /** The oldest stand first. */
  #prune(): void {
    for (const [id, { until }] of this.#byId) {
      if (this.#byId.size <= MOST && until > Date.now()) return;
      this.#byId.delete(id);
    }
  }
}

/** `secure` is of https alone; behind a proxy that ends it, tell Express so (`trust proxy`). */
const cookie = (request: Request) => ({ httpOnly: true, sameSite: 'lax', path: '/', secure: request.secure }) as const;

function idOf(request: Request): string {
  const [, id = ''] = new RegExp(`(?:^|; *)${COOKIE}=([\\w-]{43})(?:;|$)`).exec(request.headers.cookie ?? '') ?? [];
  return id;
}
