/** An issuer and an API in one, played by the test: it counts what is asked, and does as it is told. */

import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { createServer } from 'node:http';

/**
 * What becomes of a refresh: it is done, its answer is lost on the way or cut short, it fails, or it is refused.
 *
 * @typedef {'done' | 'lost' | 'cut short' | 503 | 'invalid_grant' | 'invalid_client'} Fate
 * @typedef {import('node:http').ServerResponse} Response
 */

const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });

const base64url = (/** @type {unknown} */ value) => Buffer.from(JSON.stringify(value)).toString('base64url');

export class Stub {
  /** The refresh tokens that came, each try of them. */
  refreshes = /** @type {string[]} */ ([]);
  /** The fates of the next refreshes; done where there is none. */
  fates = /** @type {Fate[]} */ ([]);
  /** The access token that the API takes. */
  good = 'access 0';
  /** What the API answers to a good one. */
  status = 200;
  /** Of the authorization request, for the exchange. */
  asked = new URLSearchParams();
  nonce = '';
  /** How many tokens the API has refused. */
  refusals = 0;
  onRefusal = () => {};

  #generation = 0;
  /** @type {Promise<void> | undefined} */
  #held;
  #port = 0;
  #server = createServer((request, response) => {
    this.#answer(request, response).catch(() => response.destroy());
  });

  get origin() {
    return `http://127.0.0.1:${this.#port}`;
  }

  get issuer() {
    return `${this.origin}/t/acme`;
  }

  /** @returns {Promise<void>} */
  async start() {
    await new Promise((resolve) => this.#server.listen(this.#port, '127.0.0.1', () => resolve(undefined)));
    this.#port = /** @type {import('node:net').AddressInfo} */ (this.#server.address()).port;
  }

  async stop() {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  expire() {
    this.good = 'none';
  }

  /** Holds refreshes back until the API has refused so many tokens. */
  holdUntilRefused(/** @type {number} */ count) {
    this.#held = new Promise((resolve) => {
      this.onRefusal = () => this.refusals >= count && resolve();
    });
  }

  /** @param {import('node:http').IncomingMessage} request @param {Response} response */
  async #answer(request, response) {
    let body = '';
    for await (const piece of request.setEncoding('utf8')) body += piece;
    switch (request.url) {
      case '/t/acme/.well-known/openid-configuration':
        return json(response, 200, this.#metadata());
      case '/t/acme/jwks':
        return json(response, 200, { keys: [{ ...keys.publicKey.export({ format: 'jwk' }), kid: 'one', use: 'sig' }] });
      case '/t/acme/token':
        return this.#token(new URLSearchParams(body), response);
      default:
        return this.#api(request.headers.authorization, response);
    }
  }

  /** @param {string | undefined} authorization @param {Response} response */
  #api(authorization, response) {
    const isGood = authorization === `Bearer ${this.good}`;
    response.writeHead(isGood ? this.status : 401).end(`to ${authorization}`);
    if (isGood) return;
    this.refusals += 1;
    this.onRefusal();
  }

  #metadata() {
    const at = (/** @type {string} */ path) => `${this.issuer}${path}`;
    return {
      issuer: this.issuer,
      authorization_endpoint: at('/authorize'),
      token_endpoint: at('/token'),
      end_session_endpoint: at('/logout'),
      jwks_uri: at('/jwks'),
      authorization_response_iss_parameter_supported: true,
      id_token_signing_alg_values_supported: ['ES256'],
    };
  }

  /** @param {URLSearchParams} form @param {Response} response */
  async #token(form, response) {
    if (form.get('grant_type') === 'authorization_code') return this.#exchange(form, response);
    const token = form.get('refresh_token') ?? '';
    this.refreshes.push(token);
    await this.#held;
    const fate = this.fates.shift() ?? 'done';
    if (fate === 503) return json(response, 503, { error: 'temporarily_unavailable' });
    if (fate === 'invalid_grant' || fate === 'invalid_client') return json(response, 400, { error: fate });
    // A retry of the last one gets the same again; any other old one is refused.
    if (token === `refresh ${this.#generation}`) this.#generation += 1;
    else if (token !== `refresh ${this.#generation - 1}`) return json(response, 400, { error: 'invalid_grant' });
    this.good = this.good === 'never' ? 'never' : `access ${this.#generation}`;
    if (fate === 'lost') return response.destroy();
    const text = JSON.stringify(this.#pair());
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': text.length });
    if (fate === 'cut short') response.write(text.slice(0, 20), () => response.destroy());
    else response.end(text);
  }

  /** @param {URLSearchParams} form @param {Response} response */
  #exchange(form, response) {
    const challenge = createHash('sha256').update(form.get('code_verifier') ?? '').digest('base64url');
    const isSame = challenge === this.asked.get('code_challenge')
      && form.get('redirect_uri') === this.asked.get('redirect_uri') && form.get('client_id') === 'app';
    if (!isSame) return json(response, 400, { error: 'invalid_grant' });
    return json(response, 200, { ...this.#pair(), id_token: this.#idToken() });
  }

  #pair() {
    const n = this.#generation;
    return { access_token: `access ${n}`, refresh_token: `refresh ${n}`, token_type: 'Bearer' };
  }

  #idToken() {
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: this.issuer, aud: 'app', sub: 'ada', name: 'Ada Lovelace', nonce: this.nonce };
    const input = `${base64url({ alg: 'ES256', kid: 'one' })}.${base64url({ ...claims, iat: now, exp: now + 60 })}`;
    const signature = sign('sha256', Buffer.from(input), { key: keys.privateKey, dsaEncoding: 'ieee-p1363' });
    return `${input}.${signature.toString('base64url')}`;
  }
}

/** @param {Response} response @param {number} status @param {unknown} value */
function json(response, status, value) {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}
