/** The registered code of a refusal (RFC 6750 §3.1, RFC 9470 §3). */
export type RefusalCode =
  | 'invalid_request'
  | 'invalid_token'
  | 'insufficient_scope'
  | 'insufficient_user_authentication';

/**
 * Why a request is refused, as its caller is told (RFC 6750 §3, RFC 9470 §3).
 *
 * Express and Fastify answer an error by its `status` and `headers`, which are these.
 */
export class Refusal extends Error {
  override readonly name = 'Refusal';

  /** The registered code; who has shown no token is told none, and neither is 503. */
  readonly code: RefusalCode | undefined;

  /** The status of the answer: 400, 401, 403 or 503. */
  readonly status: number;

  /** What the answer bears: `WWW-Authenticate`, or `Retry-After` of 503. */
  readonly headers: Readonly<Record<string, string>>;

  private constructor(status: number, code: RefusalCode | undefined, text: string, wanted: string[] = []) {
    super(text);
    this.code = code;
    this.status = status;
    const parts = code === undefined ? [] : [`error="${code}"`, `error_description="${text}"`, ...wanted];
    const challenge = ['Bearer', parts.join(', ')].join(' ').trimEnd();
    this.headers = Object.freeze(status === 503 ? { 'Retry-After': '1' } : { 'WWW-Authenticate': challenge });
  }

  /** There was no bearer token: 401. */
  static noToken(): Refusal {
    return new Refusal(401, undefined, 'a bearer token is needed');
  }

  /** Two tokens, or an `Authorization` header twice: 400. */
  static invalidRequest(): Refusal {
    return new Refusal(400, 'invalid_request', 'the request is malformed');
  }

  /** The token is no good: 401. One text for every cause. */
  static invalidToken(): Refusal {
    return new Refusal(401, 'invalid_token', 'the access token is invalid, expired or revoked');
  }

  /** The token is good, and does not reach this far: 403. */
  static insufficientScope(scope: readonly string[]): Refusal {
    const all = scope.join(' ');
    return new Refusal(403, 'insufficient_scope', `the access token lacks scope ${all}`, [`scope="${all}"`]);
  }

  /**
   * The user is to authenticate anew: 401.
   *
   * @param acrValues The ways that are wanted, the most welcome first; empty where any will do.
   * @param maxAge Seconds since the authentication, at most.
   */
  static insufficientUserAuthentication(acrValues: readonly string[], maxAge?: number): Refusal {
    const wanted = acrValues.length > 0 ? [`acr_values="${acrValues.join(' ')}"`] : [];
    if (maxAge !== undefined) wanted.push(`max_age=${maxAge}`);
    const text = 'the user must authenticate again';
    return new Refusal(401, 'insufficient_user_authentication', text, wanted);
  }

  /** It cannot be said whether the token is good, come again: 503. */
  static unavailable(): Refusal {
    return new Refusal(503, undefined, 'it cannot be said now whether the access token is good');
  }
}
