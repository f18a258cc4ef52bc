/** What a guard reads of an access token (RFC 9068 §2.2). */
export interface Claims {
  readonly issuer: string;
  readonly subject: string;
  readonly audience: readonly string[];
  /** May have a fraction (RFC 7519 §2), as `notBefore` may. */
  readonly expires: number;
  readonly notBefore: number | undefined;
  readonly scope: ReadonlySet<string>;
  readonly clientId: string | undefined;
  readonly tokenId: string | undefined;
  readonly session: string | undefined;
  readonly grant: string | undefined;
  /** The number of the last ending that the token's making knew of. */
  readonly revision: number;
  readonly authenticatedAt: number | undefined;
  readonly acr: string | undefined;
  readonly amr: readonly string[];
  readonly confirmation: unknown;
  /** All of them, as they were signed. */
  readonly all: Readonly<Record<string, unknown>>;
}

type Json = Record<string, unknown>;

const isText = (value: unknown): value is string => typeof value === 'string';
const isNumber = (value: unknown): value is number => Number.isFinite(value);
const isInteger = (value: unknown): value is number => Number.isSafeInteger(value);
const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every(isText);

/** The claim, where it is there; null is as if it were not. */
function optional<T>(json: Json, name: string, is: (value: unknown) => value is T): T | undefined {
  const value = json[name] ?? undefined;
  if (value !== undefined && !is(value)) throw new TypeError(`${name} is of a wrong type`);
  return value;
}

function required<T>(json: Json, name: string, is: (value: unknown) => value is T): T {
  const value = optional(json, name, is);
  if (value === undefined) throw new TypeError(`${name} is missing`);
  return value;
}

/**
 * Reads the claims of a token.
 *
 * @throws TypeError where one that is needed is missing, or one is of a wrong type.
 */
export function readClaims(json: Json): Claims {
  const isAudience = (value: unknown): value is string | string[] => isText(value) || isTexts(value);
  return {
    issuer: required(json, 'iss', isText),
    subject: required(json, 'sub', isText),
    audience: [required(json, 'aud', isAudience)].flat(),
    expires: required(json, 'exp', isNumber),
    notBefore: optional(json, 'nbf', isNumber),
    scope: new Set((optional(json, 'scope', isText) ?? '').split(' ').filter((token) => token !== '')),
    clientId: optional(json, 'client_id', isText),
    tokenId: optional(json, 'jti', isText),
    session: optional(json, 'sid', isText),
    grant: optional(json, 'gid', isText),
    revision: optional(json, 'rev', isInteger) ?? 0,
    authenticatedAt: optional(json, 'auth_time', isNumber),
    acr: optional(json, 'acr', isText),
    amr: optional(json, 'amr', isTexts) ?? [],
    confirmation: json['cnf'] ?? undefined,
    all: frozen(json),
  };
}

/** One that is verified is shared by requests: none may change it for the others. */
function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    Object.values(value).forEach(frozen);
    Object.freeze(value);
  }
  return value;
}
