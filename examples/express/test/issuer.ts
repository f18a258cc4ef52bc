/** An issuer that the test plays: it counts what is asked, and does as it is told. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';

export const AUDIENCE = 'https://api.example';

/** What becomes of a refresh: it is done, its answer is lost on the way or cut short, it fails, or it is refused. */
export type Fate = 'done' | 'lost' | 'cut short' | 503 | 'invalid_grant' | 'invalid_client';

const keys = await generateKeyPair('ES256');
const jwks = { keys: [{ ...(await exportJWK(keys.publicKey)), kid: 'one', use: 'sig', alg: 'ES256' }] };

export class Issuer {
  /** The refresh tokens that came, each try of them. */
  readonly refreshes: string[] = [];
  /** The fates of the next refreshes; done where there is none. */
  readonly fates: Fate[] = [];
  /** Of the tokens that are issued from now on. */
  areExpired = false;
  scope = 'openid reports.read';
  name = 'Ada Lovelace';
  nonce = '';
  /** What else the API's tokens say. */
  claims: JWTPayload = {};

  #generation = 0;
  #held: Promise<void> | undefined;
  #server: Server | undefined;
  #port = 0;

  get address(): string {
    return `http://127.0.0.1:${this.#port}/t/acme`;
  }

  async start(): Promise<void> {
    const server = createServer((request, response) => {
      this.#answer(request, response).catch(() => response.destroy());
    });
    await new Promise<void>((resolve) => server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server?.close(resolve));
    this.#server?.closeAllConnections();
    await closed;
  }

  /** Holds refreshes back until the function is called that this answers with. */
  hold(): () => void {
    let release = () => {};
    this.#held = new Promise((resolve) => (release = resolve));
    return release;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '', this.address);
    const json = (status: number, value: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    };
    switch (pathname.replace('/t/acme', '')) {
      case '/.well-known/openid-configuration':
        return json(200, this.#metadata());
      case '/jwks':
        return json(200, jwks);
      case '/oauth2/revocations':
        return this.#feed(request, response, json);
      case '/token':
        return this.#token(new URLSearchParams(await body(request)), response, json);
      default:
        return json(404, {});
    }
  }

  #metadata() {
    const at = (path: string) => `${this.address}${path}`;
    return {
      issuer: this.address,
      authorization_endpoint: at('/authorize'),
      token_endpoint: at('/token'),
      end_session_endpoint: at('/logout'),
      jwks_uri: at('/jwks'),
      authorization_response_iss_parameter_supported: true,
      id_token_signing_alg_values_supported: ['ES256'],
    };
  }

  /** Nothing was ended, and that is said often. */
  #feed(request: IncomingMessage, response: ServerResponse, json: (status: number, value: unknown) => void): void {
    if (request.headers.accept !== 'text/event-stream') return json(200, { events: [], next: '0', head: 0 });
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const timer = setInterval(() => response.write(':\n\n'), 200);
    response.on('close', () => clearInterval(timer));
  }

  async #token(form: URLSearchParams, response: ServerResponse, json: (status: number, value: unknown) => void) {
    if (form.get('grant_type') !== 'refresh_token') return json(200, await this.#pair());
    const token = form.get('refresh_token') ?? '';
    this.refreshes.push(token);
    await this.#held;
    const fate = this.fates.shift() ?? 'done';
    if (fate === 503) return json(503, { error: 'temporarily_unavailable' });
    if (fate === 'invalid_grant' || fate === 'invalid_client') return json(400, { error: fate });
    // A retry of the last one gets the same again; any other old one is refused.
    if (token === `refresh ${this.#generation}`) this.#generation += 1;
    else if (token !== `refresh ${this.#generation - 1}`) return json(400, { error: 'invalid_grant' });
    const text = JSON.stringify(await this.#pair());
    if (fate === 'lost') return void response.destroy();
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': text.length });
    if (fate === 'cut short') response.write(text.slice(0, 20), () => response.destroy());
    else response.end(text);
  }

  async #pair() {
    return {
      access_token: await this.#sign('at+jwt', { aud: AUDIENCE, scope: this.scope, ...this.claims }),
      refresh_token: `refresh ${this.#generation}`,
      id_token: await this.#sign('JWT', { aud: 'web', name: this.name, nonce: this.nonce }),
      token_type: 'Bearer',
      expires_in: 900,
    };
  }

  #sign(typ: string, claims: JWTPayload): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    const lasts = this.areExpired && typ === 'at+jwt' ? -60 : 900;
    const times = { iat: now, exp: now + lasts };
    return new SignJWT({ iss: this.address, sub: 'ada', jti: crypto.randomUUID(), ...times, ...claims })
      .setProtectedHeader({ typ, alg: 'ES256', kid: 'one' })
      .sign(keys.privateKey);
  }
}

async function body(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const piece of request.setEncoding('utf8')) text += piece as string;
  return text;
}
