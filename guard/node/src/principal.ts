import type { Claims } from './claims.js';
import type { Clock } from './clock.js';
import { Refusal } from './refusal.js';

/** Whom a good token speaks for (RFC 9068 §2.2). */
export class Principal {
  readonly #claims: Claims;
  readonly #clock: Clock;

  /** The part of the issuer's name that stands for `{tenant}`, where the guard was told a pattern. */
  readonly tenant: string | undefined;

  /** @internal */
  constructor(claims: Claims, tenant: string | undefined, clock: Clock) {
    this.#claims = claims;
    this.#clock = clock;
    this.tenant = tenant;
    Object.freeze(this);
  }

  /** Who issued the token. */
  get issuer(): string {
    return this.#claims.issuer;
  }

  /** The user, or the client where no user took part. It is unique at its issuer alone. */
  get subject(): string {
    return this.#claims.subject;
  }

  /** The client that the token was issued to. */
  get clientId(): string | undefined {
    return this.#claims.clientId;
  }

  /** Whether the token is a client's own: no user took part. */
  get isClient(): boolean {
    return this.subject === this.clientId;
  }

  /** The session in which a user took part. */
  get session(): string | undefined {
    return this.#claims.session;
  }

  /** The token's own identifier. */
  get tokenId(): string | undefined {
    return this.#claims.tokenId;
  }

  /** When the token expires, in seconds since the Unix epoch. */
  get expiresAt(): number {
    return this.#claims.expires;
  }

  /** The scope tokens. */
  get scope(): ReadonlySet<string> {
    return new Set(this.#claims.scope);
  }

  /** When the user last proved who they are, in seconds since the Unix epoch. */
  get authenticatedAt(): number | undefined {
    return this.#claims.authenticatedAt;
  }

  /** How well they did. */
  get acr(): string | undefined {
    return this.#claims.acr;
  }

  /** By what (RFC 8176). */
  get amr(): readonly string[] {
    return this.#claims.amr;
  }

  /** What the token is bound to (RFC 7800); only where the guard leaves the check to its caller (`boundTokens`). */
  get confirmation(): unknown {
    return this.#claims.confirmation;
  }

  /** All claims. They are frozen: requests with the same token share them. */
  get claims(): Readonly<Record<string, unknown>> {
    return this.#claims.all;
  }

  /** Whether the scope holds a token. */
  hasScope(token: string): boolean {
    return this.#claims.scope.has(token);
  }

  /**
   * Demands that the scope holds all of these tokens.
   *
   * @throws {@link Refusal} `insufficient_scope`, with all of them.
   */
  require(...scope: string[]): void {
    if (!scope.every((token) => this.hasScope(token))) throw Refusal.insufficientScope(scope);
  }

  /**
   * Demands that the user authenticated in one of these ways, and recently (RFC 9470).
   *
   * @param acrValues The ways, the most welcome first; empty where any will do.
   * @param maxAge Seconds since then, at most.
   * @throws {@link Refusal} `insufficient_user_authentication`, with what is wanted.
   */
  requireAuthentication(acrValues: readonly string[], maxAge?: number): void {
    const { acr, authenticatedAt } = this;
    const isWay = acrValues.length === 0 || (acr !== undefined && acrValues.includes(acr));
    const isRecent =
      maxAge === undefined || (authenticatedAt !== undefined && this.#clock.now() <= authenticatedAt + maxAge);
    if (!isWay || !isRecent) throw Refusal.insufficientUserAuthentication(acrValues, maxAge);
  }
}
