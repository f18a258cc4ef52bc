import { createPublicKey, type KeyObject } from 'node:crypto';

/** A public key of an issuer, and the algorithms that it verifies. */
export interface Key {
  readonly id: string | undefined;
  readonly algorithms: readonly string[];
  readonly verifies: KeyObject;
  /** What makes it this key: one that is read again is the same where this is. */
  readonly mark: string;
}

/** What a key of each kind can verify: `kty`, and `crv` where there is one. */
const ALGORITHMS = new Map([
  ['RSA', ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']],
  ['EC P-256', ['ES256']],
  ['EC P-384', ['ES384']],
  ['OKP Ed25519', ['EdDSA', 'Ed25519']],
]);

/**
 * A public key that signs, with the algorithms that it may be used for (RFC 7517); none where it is of a kind that is
 * not known here, or is for something else. What a token says decides nothing: a key of one kind never verifies by an
 * algorithm of another (RFC 8725 §3.1).
 */
export function usable(jwk: unknown): Key | undefined {
  if (typeof jwk !== 'object' || jwk === null) return undefined;
  const { kty, crv, x, y, n, e, kid, use, alg } = jwk as Record<string, unknown>;
  const isNamed = kid === undefined || typeof kid === 'string';
  if (!isNamed || (use !== undefined && use !== 'sig')) return undefined;
  const ofKind = ALGORITHMS.get(kty === 'RSA' ? kty : `${String(kty)} ${String(crv)}`) ?? [];
  const algorithms = ofKind.filter((known) => alg === undefined || alg === known);
  if (algorithms.length === 0) return undefined;
  // Only what is public: `d` of a private key that was published by mistake is not taken in.
  const parts = { kty, crv, x, y, n, e };
  try {
    const verifies = createPublicKey({ key: parts as Record<string, string>, format: 'jwk' });
    return { id: kid, algorithms, verifies, mark: JSON.stringify({ ...parts, kid, alg }) };
  } catch {
    return undefined;
  }
}
