/**
 * A guard as a hook of Fastify.
 *
 * @packageDocumentation
 */

import type { FastifyReply, FastifyRequest } from 'fastify';

import type { Guard } from './guard.js';
import type { Principal } from './principal.js';
import { authorize, type Needs, principalOf as principalOfRaw } from './request.js';
import { Refusal } from './refusal.js';

/** A hook of a route (`onRequest`), or of all of them (`addHook('onRequest', …)`). */
export type Hook = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;

/**
 * Lets requests pass that bear a good token, with what is needed. For the others it throws a {@link Refusal}, which
 * Fastify answers with its status; an error handler of your own finds the headers set.
 */
export function protect(guard: Guard, needs?: Needs): Hook {
  return async (request, reply) => {
    try {
      await authorize(guard, request.raw, needs);
    } catch (why) {
      if (why instanceof Refusal) void reply.code(why.status).headers(why.headers);
      throw why;
    }
  };
}

/** Whom a request speaks for. @throws TypeError where no guard has let it in. */
export function principalOf(request: FastifyRequest): Principal {
  return principalOfRaw(request.raw);
}
