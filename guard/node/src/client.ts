import { type Http } from './http.js';
import type { Issuer } from './issuers.js';
import { MOST_BYTES } from './metadata.js';
import type { Feed } from './settings.js';

/** The guard's own client at an issuer. */
export class Client {
  readonly #http: Http;
  readonly #authorization: string;

  constructor(http: Http, { clientId, clientSecret }: Feed) {
    this.#http = http;
    // Both halves are encoded before they are joined (RFC 6749 §2.3.1).
    const [id, secret] = [clientId, clientSecret].map((text) => new URLSearchParams([['', text]]).toString().slice(1));
    this.#authorization = `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
  }

  /** The client's own token, for the feed (RFC 6749 §4.4). */
  async token(issuer: Issuer): Promise<string> {
    const metadata = await issuer.keys.metadata();
    const form = { grant_type: 'client_credentials', scope: 'revocations' };
    const { access_token: token } = await this.#post(metadata?.tokenEndpoint, form);
    if (typeof token !== 'string') throw new TypeError('access_token is no text');
    return token;
  }

  /** Whether the issuer says of a token that it counts (RFC 7662). */
  async introspect(issuer: Issuer, token: string): Promise<boolean> {
    const metadata = await issuer.keys.metadata();
    const { active } = await this.#post(metadata?.introspectionEndpoint, { token });
    if (typeof active !== 'boolean') throw new TypeError('active is neither true nor false');
    return active;
  }

  async #post(endpoint: string | undefined, form: Record<string, string>): Promise<Record<string, unknown>> {
    if (endpoint === undefined) throw new Error("the issuer's metadata cannot be had, or lacks an endpoint");
    const headers = { authorization: this.#authorization };
    const answer = await this.#http.json(endpoint, MOST_BYTES, {
      method: 'POST',
      headers,
      body: new URLSearchParams(form),
    });
    return (answer.value ?? {}) as Record<string, unknown>;
  }
}
