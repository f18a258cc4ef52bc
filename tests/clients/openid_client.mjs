// Runs the flow with openid-client, which checks metadata, state, iss, nonce, PKCE, the ID
// token's signature and at_hash by itself.
import { createRequire } from 'node:module'

const [issuer, callback, secret, password, home] = process.argv.slice(2)
const oidc = await import(createRequire(home + '/').resolve('openid-client'))
const assert = (await import('node:assert')).strict

const options = { execute: [oidc.allowInsecureRequests] }
const config = await oidc.discovery(new URL(issuer), 'web', undefined, oidc.ClientSecretBasic(secret), options)
const verifier = oidc.randomPKCECodeVerifier()
const [state, nonce] = [oidc.randomState(), oidc.randomNonce()]
const start = oidc.buildAuthorizationUrl(config, {
  redirect_uri: callback, scope: 'openid profile email reports.read', state, nonce,
  code_challenge: await oidc.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
})

const jar = new Map()
async function visit(url, body) {
  const headers = { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') }
  const answer = await fetch(url, { method: body ? 'POST' : 'GET', body, headers, redirect: 'manual' })
  for (const cookie of answer.headers.getSetCookie()) {
    const [, name, value] = cookie.match(/^([^=]+)=([^;]*)/)
    jar.set(name, value)
  }
  return { url, location: answer.headers.get('location'), text: await answer.text() }
}
const plain = (text) => text.replaceAll('&quot;', '"').replaceAll('&#x27;', "'").replaceAll('&#x2F;', '/').replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')
function submit(page, more) {
  const body = new URLSearchParams(more)
  for (const [, name, value] of page.text.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)) body.set(name, plain(value))
  return visit(new URL(plain(page.text.match(/<form method="post" action="([^"]+)"/)[1]), page.url), body)
}

let page = await visit(start)
for (let step = 0; step < 10 && !(page.location ?? '').startsWith(callback); step++) {
  if (page.location) page = await visit(new URL(page.location, page.url))
  else if (page.text.includes('name="password"')) page = await submit(page, { username: 'ada', password })
  else page = await submit(page, { decision: 'allow' })
}

const tokens = await oidc.authorizationCodeGrant(config, new URL(page.location), {
  pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true,
})
const subject = tokens.claims().sub
const info = await oidc.fetchUserInfo(config, tokens.access_token, subject)
assert.equal(info.email, 'ada@acme.example')
const refreshed = await oidc.refreshTokenGrant(config, tokens.refresh_token)
assert.notEqual(refreshed.refresh_token, tokens.refresh_token)
assert.equal((await oidc.tokenIntrospection(config, refreshed.access_token)).active, true)
await oidc.tokenRevocation(config, refreshed.refresh_token)
assert.equal((await oidc.tokenIntrospection(config, refreshed.access_token)).active, false)
await assert.rejects(oidc.refreshTokenGrant(config, refreshed.refresh_token), { error: 'invalid_grant' })
const machine = await oidc.clientCredentialsGrant(config, { scope: 'reports.read' })
assert.equal(machine.expires_in, 900)
console.log('openid-client: all good')
