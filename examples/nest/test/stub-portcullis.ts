/** An issuer that the test plays: a key, a feed in which nothing ends, and a sign-in, which answers as it is told. */

import { generateKeyPairSync, sign } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Answer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly json?: unknown;
}

/** What came to the sign-in. */
export interface Asked {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly json: unknown;
}

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

export class StubPortcullis {
  readonly asked: Asked[] = [];
  /** What is answered, by path. */
  readonly answers = new Map<string, Answer>();
  issuer = '';

  readonly #keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  readonly #server = createServer((request, response) => void this.#answer(request, response));

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.issuer = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/t/acme`;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  token(scope = 'openid reports.read', subject = 'ada'): string {
    const exp = Math.floor(Date.now() / 1000) + 900;
    const claims = { iss: this.issuer, sub: subject, aud: ['https://api.acme.example'], exp, client_id: 'app', scope };
    const message = `${part({ alg: 'ES256', typ: 'at+jwt', kid: 'one' })}.${part(claims)}`;
    const key = { key: this.#keys.privateKey, dsaEncoding: 'ieee-p1363' as const };
    return `${message}.${sign('sha256', Buffer.from(message), key).toString('base64url')}`;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? '/', this.issuer).pathname.replace('/t/acme', '');
    if (path.startsWith('/auth/')) return this.#answerSignIn(path, request, response);
    if (request.headers.accept === 'text/event-stream') return void response.write(': nothing else has ended\n\n');
    const documents: Record<string, unknown> = {
      '/.well-known/openid-configuration': {
        issuer: this.issuer,
        jwks_uri: `${this.issuer}/jwks`,
        token_endpoint: `${this.issuer}/token`,
      },
      '/jwks': { keys: [{ ...this.#keys.publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'ES256', use: 'sig' }] },
      '/token': { access_token: 'of the feed', token_type: 'Bearer' },
      '/oauth2/revocations': { events: [], next: '0', head: 0 },
    };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(documents[path]));
  }

  async #answerSignIn(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk as string;
    this.asked.push({ path, headers: request.headers, json: body === '' ? undefined : JSON.parse(body) });
    const { status, headers, json } = this.answers.get(path) ?? { status: 500 };
    response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers });
    response.end(json === undefined ? undefined : JSON.stringify(json));
  }
}
