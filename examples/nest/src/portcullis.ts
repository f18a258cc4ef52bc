/** Portcullis's JSON sign-in, behind the API's own addresses. */

import type { Request, Response } from 'express';

/** How long an answer may take. */
const ANSWER_MS = 5_000;

/** What says how an answer is to be taken; the rest of its headers is between the two servers. */
const PASSED_ON = ['content-type', 'cache-control', 'www-authenticate', 'retry-after'];

/** What is asked of Portcullis. */
export interface Call {
  readonly method: 'GET' | 'POST';
  readonly path: '/auth/login' | '/auth/refresh' | '/auth/logout' | '/auth/me';
  readonly bearer?: string;
  readonly json?: unknown;
}

export class Portcullis {
  constructor(
    private readonly issuer: string,
    /** In whose name users sign in. */
    readonly clientId: string,
  ) {}

  /** Asks for a caller, and answers with what comes: status, body, and the headers that belong to them. */
  async passOn(request: Request, response: Response, call: Call): Promise<void> {
    const answer = await this.ask(call, headersFor(request, call)).catch(() => undefined);
    if (answer === undefined) {
      response.status(503).set({ 'Retry-After': '1', 'Cache-Control': 'no-store' });
      response.json({ error: 'temporarily_unavailable', error_description: 'the sign-in server is away' });
      return;
    }
    for (const name of PASSED_ON) {
      const value = answer.headers.get(name);
      if (value !== null) response.setHeader(name, value);
    }
    response.status(answer.status).end(answer.body);
  }

  private async ask({ method, path, json }: Call, headers: Headers) {
    const answer = await fetch(`${this.issuer}${path}`, {
      method,
      headers,
      body: json === undefined ? null : JSON.stringify(json),
      // What it is asked with is for nobody else.
      redirect: 'error',
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    return { status: answer.status, headers: answer.headers, body: Buffer.from(await answer.arrayBuffer()) };
  }
}

function headersFor(request: Request, { bearer, json }: Call): Headers {
  const headers = new Headers({ 'x-forwarded-for': forwardedFor(request) });
  const agent = request.headers['user-agent'];
  if (agent !== undefined) headers.set('user-agent', agent);
  if (bearer !== undefined) headers.set('authorization', `Bearer ${bearer}`);
  if (json !== undefined) headers.set('content-type', 'application/json');
  return headers;
}

/**
 * As every proxy does it: what came, and behind it from whom. Portcullis reads it from the end, for as long as each hop
 * is one of PORTCULLIS_TRUSTED_PROXIES, so what a stranger writes in front is not believed. Set that to the address of
 * this API (and of each proxy before it, the browser edition included): else all users have one address, this API's,
 * and share its limit for wrong passwords.
 */
export function forwardedFor(request: Request): string {
  const peer = (request.socket.remoteAddress ?? 'unknown').replace(/^::ffff:/, '');
  return [request.headers['x-forwarded-for'] ?? [], peer].flat().join(', ');
}
