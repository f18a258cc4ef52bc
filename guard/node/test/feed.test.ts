/** How endings are heard of, and what becomes of tokens while they are not. */

import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';

import type { FeedOptions } from 'portcullis-guard';

import { Feed, sse } from './feed.js';
import { guardOf, issuer, outcome } from './guards.js';
import { json, NOW, turn, until } from './issuer.js';
import { SetTimers } from './timers.js';

const INVALID = '401 invalid_token';

/** A guard that follows a feed. */
async function following(t: TestContext, options: Partial<FeedOptions> = {}) {
  const acme = await issuer(t);
  const feed = new Feed(acme);
  const begin = () => guardOf(t, acme, { feed: { ...feed.options, ...options } });
  const isAnswered = (guard: ReturnType<typeof begin>['guard'], claims: Record<string, unknown>, wanted: string) =>
    until(async () => (await outcome(guard.verify(acme.token(claims)))) === wanted);
  return { acme, feed, begin, isAnswered };
}

test('it is behind until the first pages are read, and what they say is known', async (t) => {
  const { acme, feed, begin, isAnswered } = await following(t);
  feed.events.push(...[1, 2, 3].map((n) => ({ n, kind: 'session', id: `s${n}` })));
  feed.instead = (response) => void response.writeHead(503).end();
  const { guard } = begin();
  assert.equal(await outcome(guard.verify(acme.token())), '503');
  assert.equal(guard.figures().silentForMs, null);
  feed.instead = undefined;
  await isAnswered(guard, {}, 'good');
  assert.equal(await outcome(guard.verify(acme.token({ sid: 's3' }))), INVALID);
  const { ended, endings, silentForMs } = guard.figures();
  assert.deepEqual([ended, endings, silentForMs], [1, 3, 0]);
  await until(() => feed.stream !== undefined);
  assert.deepEqual(feed.asked.slice(-3), ['page after null', 'page after 2', 'stream after 3']);
});

test("both halves of the client's name are encoded before they are joined", async (t) => {
  const { feed, begin, isAnswered } = await following(t);
  await isAnswered(begin().guard, {}, 'good');
  const sent = Buffer.from(feed.authorizations[0]?.replace('Basic ', '') ?? '', 'base64').toString();
  assert.equal(sent, 'a+client:a%3Asecret%2Fwith%2Boddities%25');
});

test('an event is understood wherever its pieces are cut', async (t) => {
  const { acme, feed, begin, isAnswered } = await following(t);
  const { guard } = begin();
  await until(() => feed.stream !== undefined);
  const event = { n: 7, kind: 'user', id: 'zoë' };
  feed.events.push(event);
  for (const byte of Buffer.from(`: alive\n\n${sse(event)}`)) {
    feed.stream?.write(Buffer.of(byte));
    // What is written in one turn is sent as one piece.
    await new Promise(setImmediate);
  }
  await isAnswered(guard, { sub: 'zoë', rev: 6 }, INVALID);
  assert.equal(await outcome(guard.verify(acme.token({ sub: 'zoë', rev: 7 }))), 'good');
  // Cut within the next: it is read again, after the last that was whole.
  const next = { n: 8, kind: 'session', id: 's' };
  feed.events.push(next);
  feed.stream?.end(sse(next).slice(0, -2));
  await until(() => feed.asked.at(-1) === 'stream after 8');
  assert.equal(feed.asked.at(-2), 'page after 7');
  assert.equal(await outcome(guard.verify(acme.token({ sid: 's' }))), INVALID);
});

test('a comment says that it is not behind, and an event does not', async (t) => {
  const { acme, feed, begin, isAnswered } = await following(t);
  const { guard, clock } = begin();
  await until(() => feed.stream !== undefined);
  clock.pass(5);
  assert.equal(await outcome(guard.verify(acme.token())), 'good');
  clock.pass(1);
  assert.equal(await outcome(guard.verify(acme.token())), '503');
  feed.end({ n: 1, kind: 'session', id: 's' });
  await until(() => guard.figures().endings === 1);
  assert.equal(await outcome(guard.verify(acme.token())), '503');
  assert.equal(await outcome(guard.verify(acme.token({ sid: 's' }))), INVALID);
  assert.deepEqual([guard.figures().refusedBehind, guard.figures().silentForMs], [2, 6000]);
  feed.stream?.write(':\n');
  await isAnswered(guard, {}, 'good');
});

test('a page counts as heard when it was asked for', async (t) => {
  const { acme, feed, begin } = await following(t);
  feed.instead = (response) => {
    feed.instead = undefined;
    clock.pass(6);
    json(response, { events: [], next: '0', head: 0 });
  };
  const { guard, clock } = begin();
  await until(() => feed.stream !== undefined);
  assert.equal(await outcome(guard.verify(acme.token())), '503');
  assert.equal(guard.figures().silentForMs, 6000);
});

test('while it is behind it goes on, or asks, as it is told', async (t) => {
  const { acme, feed, begin } = await following(t, { whenBehind: 'go-on' });
  feed.instead = (response) => void response.writeHead(503).end();
  const { guard } = begin();
  assert.equal(await outcome(guard.verify(acme.token())), 'good');
  assert.equal(guard.figures().passedBehind, 1);
  const { guard: asking } = guardOf(t, acme, { feed: { ...feed.options, whenBehind: 'ask-introspection' } });
  const answers = ['{"active":true}', '{"active":false}', '{}', ''];
  acme.answers.set('/introspect', (_, response) => response.end(answers.shift()));
  const token = acme.token();
  for (const wanted of ['good', INVALID, '503', '503']) assert.equal(await outcome(asking.verify(token)), wanted);
  assert.equal(asking.figures().askedBehind, 4);
});

test('what is over is dropped, each ten seconds at most', async (t) => {
  const { feed, begin, isAnswered } = await following(t);
  feed.events.push({ n: 1, kind: 'session', id: 's', until: NOW + 20 }, { n: 2, kind: 'tenant', id: 'acme' });
  const { guard, clock } = begin();
  await isAnswered(guard, { rev: 2 }, 'good');
  const endings = async () => {
    const silent = guard.figures().silentForMs;
    feed.stream?.write(':\n');
    if (silent !== 0) await until(() => guard.figures().silentForMs === 0);
    return guard.figures().endings;
  };
  await until(() => feed.stream !== undefined);
  clock.pass(30);
  assert.equal(await endings(), 2);
  clock.pass(5);
  assert.equal(await endings(), 2);
  clock.pass(5);
  assert.equal(await endings(), 1);
});

test('an event that comes again ends no less than before', async (t) => {
  const { acme, feed, begin } = await following(t);
  const { guard, clock } = begin();
  await until(() => feed.stream !== undefined);
  feed.end({ n: 5, kind: 'user', id: 'ada' });
  feed.stream?.write(sse({ n: 3, kind: 'user', id: 'ada', until: NOW - 100 }));
  feed.end({ n: 6, kind: 'session', id: '__proto__' });
  clock.pass(10);
  feed.stream?.write(':\n');
  await until(() => guard.figures().silentForMs === 0);
  assert.equal(guard.figures().endings, 2);
  assert.equal(await outcome(guard.verify(acme.token({ rev: 4 }))), INVALID);
  assert.equal(await outcome(guard.verify(acme.token({ rev: 5 }))), 'good');
  assert.equal(await outcome(guard.verify(acme.token({ rev: 5, sid: '__proto__' }))), INVALID);
  assert.equal(await outcome(guard.verify(acme.token({ rev: 5, sid: 'toString' }))), 'good');
});

test('what is not known ends everything before it', async (t) => {
  const { acme, feed, begin, isAnswered } = await following(t);
  const { guard, log } = begin();
  await until(() => feed.stream !== undefined);
  feed.end({ n: 4, kind: 'constructor', id: 'x' });
  await isAnswered(guard, { rev: 3 }, INVALID);
  assert.equal(await outcome(guard.verify(acme.token({ rev: 4 }))), 'good');
  assert.match(log.lines.find((line) => line.startsWith('error')) ?? '', /constructor/);
});

test('a token that has no kid is ended with its key', async (t) => {
  const { acme, feed, begin } = await following(t);
  feed.events.push({ n: 1, kind: 'key', id: 'one' });
  const { guard } = begin();
  await until(() => feed.stream !== undefined);
  assert.equal(await outcome(guard.verify(acme.token({}, { kid: undefined }))), INVALID);
});

test('a reader whose token was ended gets another, and one whose cursor is too old begins anew', async (t) => {
  const { feed, begin, isAnswered } = await following(t);
  feed.events.push({ n: 40, kind: 'session', id: 's1' });
  const { guard } = begin();
  await isAnswered(guard, { sid: 's1' }, INVALID);
  await until(() => feed.stream !== undefined);
  feed.forget();
  feed.events.splice(0, 1, { n: 1, kind: 'session', id: 's2' });
  feed.stream?.end();
  await isAnswered(guard, { sid: 's2' }, INVALID);
  await isAnswered(guard, { sid: 's1' }, INVALID);
  assert.equal(feed.authorizations.length, 2);
  const pages = feed.asked.filter((what) => what.startsWith('page'));
  assert.deepEqual(pages, ['page after null', 'page after 40', 'page after 40', 'page after null']);
});

test('pages are asked for now and then, where it is told to', async (t) => {
  const { acme, feed, begin, isAnswered } = await following(t, { polling: 0.02 });
  const { guard, clock } = begin();
  await isAnswered(guard, {}, 'good');
  feed.events.push({ n: 1, kind: 'session', id: 's' });
  await isAnswered(guard, { sid: 's' }, INVALID);
  clock.pass(6);
  await isAnswered(guard, {}, 'good');
  assert.equal(feed.stream, undefined);
  assert.equal(await outcome(guard.verify(acme.token())), 'good');
});

test('a page that leads to itself is no end of the feed', async (t) => {
  const { acme, feed, begin } = await following(t);
  feed.instead = (response) => json(response, { events: [], next: '1', head: 2 });
  const { guard, log } = begin();
  await until(() => log.lines.some((line) => line.includes('leads to itself')));
  assert.equal(await outcome(guard.verify(acme.token())), '503');
});

test('a feed that breaks off is asked again at once, and less and less often until it is heard', async (t) => {
  const timers = new SetTimers(t);
  const { feed, begin } = await following(t);
  feed.instead = (response) => void response.writeHead(503).end();
  const { log } = begin();
  for (const [at, pause] of [100, 200, 400, 800, 1600, 3200, 5000, 5000].entries()) {
    await until(() => log.lines.length === at + 1);
    await turn();
    timers.pass(pause - 1);
    await turn();
    assert.equal(feed.asked.length, at + 1);
    timers.pass(1);
  }
  await until(() => log.lines.length === 9);
  feed.instead = undefined;
  await turn();
  timers.pass(5000);
  await until(() => feed.stream !== undefined);
  feed.stream?.end();
  const asked = feed.asked.length;
  await turn(20);
  timers.pass(100);
  await until(() => feed.asked.length > asked);
});

test('a stream that is silent for four seconds is given up', async (t) => {
  const timers = new SetTimers(t);
  const { feed, begin } = await following(t);
  const { guard, clock } = begin();
  await until(() => feed.stream !== undefined);
  let isClosed = false;
  feed.stream?.on('close', () => (isClosed = true));
  timers.pass(3999);
  clock.pass(1);
  feed.stream?.write(':\n');
  await until(() => guard.figures().silentForMs === 0);
  timers.pass(3999);
  await turn(20);
  assert.equal(isClosed, false);
  timers.pass(1);
  await until(() => isClosed);
});

test('the figures are of that issuer which was silent for longest', async (t) => {
  const { acme, feed } = await following(t);
  const globex = await issuer(t);
  const other = new Feed(globex);
  other.instead = (response) => void response.writeHead(503).end();
  const { guard, clock } = guardOf(t, acme, { issuers: [acme.name, globex.name], feed: feed.options });
  await until(() => feed.stream !== undefined && other.asked.length > 0);
  assert.equal(guard.figures().silentForMs, null);
  other.instead = undefined;
  await until(() => other.stream !== undefined);
  clock.pass(3);
  other.stream?.write(':\n');
  await until(async () => (await outcome(guard.verify(globex.token()))) === 'good');
  assert.equal(guard.figures().silentForMs, 3000);
});

test('close ends the follower', { timeout: 3_000 }, async (t) => {
  for (const options of [{}, { polling: 0.01 }]) {
    const { acme, feed, begin, isAnswered } = await following(t, options);
    const { guard, clock } = begin();
    await isAnswered(guard, {}, 'good');
    if (!('polling' in options)) await until(() => feed.stream !== undefined);
    const isGone = new Promise((resolve) => feed.stream?.on('close', resolve) ?? resolve(undefined));
    guard.close();
    await isGone;
    const asked = feed.asked.length;
    await turn(150);
    // One may have been on its way.
    assert.ok(feed.asked.length <= asked + 1);
    clock.pass(6);
    assert.equal(await outcome(guard.verify(acme.token())), '503');
  }
});
