/**
 * A guard as middleware of Express, of 4 as of 5, and of whatever else calls its middleware so.
 *
 * @packageDocumentation
 */

import type { IncomingMessage, ServerResponse } from 'node:http';

import type { Guard } from './guard.js';
import { authorize, type Needs } from './request.js';
import { Refusal } from './refusal.js';

export { principalOf } from './request.js';

/** Middleware of Express. */
export type Middleware = (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void;

/**
 * Lets requests pass that bear a good token, with what is needed; answers the others itself. `principalOf(request)` is
 * then whom one speaks for.
 *
 * A {@link Refusal} that a handler throws is answered by Express, with its status and headers.
 */
export function protect(guard: Guard, needs?: Needs): Middleware {
  return (request, response, next) => {
    authorize(guard, request, needs).then(
      () => next(),
      (why: unknown) => {
        if (!(why instanceof Refusal)) return next(why);
        for (const [name, value] of Object.entries(why.headers)) response.setHeader(name, value);
        response.statusCode = why.status;
        response.end();
      },
    );
  };
}
