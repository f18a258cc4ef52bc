/** What the frameworks answer: the table of cases asks the rest of the examples. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { test, type TestContext } from 'node:test';

import 'reflect-metadata';

import { Controller, Get, type INestApplication, Module, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import express from 'express';
import { fastify } from 'fastify';
import { type Guard, type Principal, Refusal } from 'portcullis-guard';
import { principalOf, protect } from 'portcullis-guard/express';
import { principalOf as principalOfFastify, protect as protectFastify } from 'portcullis-guard/fastify';
import {
  CurrentPrincipal,
  GuardModule,
  Public,
  RequireAuthentication,
  RequireScope,
  TokenGuard,
} from 'portcullis-guard/nest';

import { guardOf, issuer } from './guards.js';
import type { Issuer } from './issuer.js';

interface Answer {
  readonly status: number;
  readonly challenge: string | undefined;
  readonly retryAfter: string | undefined;
  readonly body: string;
}

/** Asks as no client would, with as many headers as are given. */
function ask(port: number, path: string, authorization: string[]): Promise<Answer> {
  const lines = authorization.map((value) => `Authorization: ${value}\r\n`).join('');
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(`GET ${path} HTTP/1.1\r\nHost: api\r\nConnection: close\r\n${lines}\r\n`);
    });
    socket.setEncoding('utf8').on('data', (piece: string) => (text += piece));
    socket.on('error', reject).on('end', () => {
      const [head = '', body = ''] = text.split('\r\n\r\n');
      const header = (name: string) => new RegExp(`^${name}: (.*)$`, 'im').exec(head)?.[1];
      const [challenge, retryAfter] = [header('www-authenticate'), header('retry-after')];
      resolve({ status: Number(head.split(' ')[1]), challenge, retryAfter, body });
    });
  });
}

/** Asks what every framework must answer alike: `/any`, `/reports`, `/transfer`, and `/throws` from its handler. */
async function answersAlike(acme: Issuer, port: number): Promise<void> {
  const bearer = (claims?: Record<string, unknown>) => [`Bearer ${acme.token(claims)}`];
  const get = (path: string, authorization: string[]) => ask(port, path, authorization);
  const seen = async (path: string, authorization: string[]) => {
    const { status, challenge, retryAfter } = await get(path, authorization);
    return [status, challenge, retryAfter];
  };
  const refusal = ({ status, headers }: Refusal) => [status, headers['WWW-Authenticate'], headers['Retry-After']];
  assert.match((await get('/any', bearer())).body, /ada/);
  assert.deepEqual(await seen('/any', []), [401, 'Bearer', undefined]);
  assert.deepEqual(await seen('/any', [...bearer(), ...bearer()]), refusal(Refusal.invalidRequest()));
  assert.deepEqual(await seen('/any', ['Basic x', ...bearer()]), refusal(Refusal.invalidRequest()));
  assert.deepEqual(await seen('/any', ['Bearer x']), refusal(Refusal.invalidToken()));
  const lacks = refusal(Refusal.insufficientScope(['reports.read']));
  assert.deepEqual(await seen('/reports', bearer({ scope: 'a' })), lacks);
  assert.equal((await get('/reports', bearer())).status, 200);
  const stepUp = refusal(Refusal.insufficientUserAuthentication(['gold'], 300));
  assert.deepEqual(await seen('/transfer', bearer()), stepUp);
  assert.deepEqual(await seen('/throws', bearer()), refusal(Refusal.insufficientScope(['b', 'c'])));
  acme.answers.set('/jwks', (_, response) => response.writeHead(500).end());
  const unknown = [`Bearer ${acme.token({}, { kid: 'new' })}`];
  assert.deepEqual(await seen('/any', unknown), [503, undefined, '1']);
}

async function begin(t: TestContext): Promise<{ acme: Issuer; guard: Guard }> {
  const acme = await issuer(t);
  return { acme, guard: guardOf(t, acme).guard };
}

test('Express', async (t) => {
  const { acme, guard } = await begin(t);
  const app = express().set('env', 'test');
  app.get('/any', protect(guard), (request, response) => void response.send(principalOf(request).subject));
  app.get('/reports', protect(guard, { scope: ['reports.read'] }), (_, response) => void response.send());
  app.get('/transfer', protect(guard, { acrValues: ['gold'], maxAge: 300 }), (_, response) => void response.send());
  app.get('/throws', protect(guard), (request) => principalOf(request).require('b', 'c'));
  app.get('/cookie', (request, _, next) => {
    request.headers.authorization = `Bearer ${request.headers.cookie}`;
    next();
  });
  app.get('/cookie', protect(guard), (_, response) => void response.send());
  app.get('/open', (request, response) => void response.send(principalOf(request).subject));
  const server = createServer(app).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await answersAlike(acme, port);
  assert.equal((await ask(port, '/open', [`Bearer ${acme.token()}`])).status, 500);
  const answer = await fetch(`http://127.0.0.1:${port}/cookie`, { headers: { cookie: acme.token() } });
  assert.equal(answer.status, 200);
});

test('Fastify', async (t) => {
  const { acme, guard } = await begin(t);
  const app = fastify();
  t.after(() => app.close());
  app.get('/any', { onRequest: protectFastify(guard) }, async (request) => principalOfFastify(request).subject);
  app.get('/reports', { onRequest: protectFastify(guard, { scope: 'reports.read' }) }, async () => '');
  const needs = { acrValues: ['gold'], maxAge: 300 };
  app.get('/transfer', { onRequest: protectFastify(guard, needs) }, async () => '');
  app.get('/throws', { onRequest: protectFastify(guard) }, async (request) => {
    principalOfFastify(request).require('b', 'c');
  });
  await app.register(async (mine) => {
    mine.setErrorHandler((_, __, reply) => reply.send('mine'));
    mine.addHook('onRequest', protectFastify(guard));
    mine.get('/mine', async () => '');
  });
  await app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = app.server.address() as AddressInfo;
  const mine = await ask(port, '/mine', []);
  assert.deepEqual([mine.status, mine.challenge, mine.body.includes('mine')], [401, 'Bearer', true]);
  await answersAlike(acme, port);
});

@Controller()
@UseGuards(TokenGuard)
class Api {
  @Get('any')
  any(@CurrentPrincipal() principal: Principal) {
    return principal.subject;
  }

  @Get('reports')
  @RequireScope('reports.read')
  reports() {}

  @Get('transfer')
  @RequireAuthentication(['gold'], 300)
  transfer() {}

  @Get('throws')
  throws(@CurrentPrincipal() principal: Principal) {
    principal.require('b', 'c');
  }

  @Get('public')
  @Public()
  public() {}
}

@Controller('open')
@UseGuards(TokenGuard)
@Public()
@RequireScope('reports.read')
class Open {
  @Get('public')
  public() {}

  @Get('both')
  @RequireAuthentication(['gold'])
  both() {}
}

async function nest(t: TestContext, guard: Guard): Promise<INestApplication> {
  @Module({ imports: [GuardModule.forRoot(guard)], controllers: [Api, Open] })
  class App {}
  const app = await NestFactory.create(App, { logger: false });
  t.after(() => app.close());
  return app.listen(0, '127.0.0.1').then(() => app);
}

test('NestJS', async (t) => {
  const { acme, guard } = await begin(t);
  const app = await nest(t, guard);
  const { port } = app.getHttpServer().address() as AddressInfo;
  const status = async (path: string, claims?: Record<string, unknown>) =>
    (await ask(port, path, claims === undefined ? [] : [`Bearer ${acme.token(claims)}`])).status;
  assert.deepEqual([await status('/public'), await status('/open/public')], [200, 200]);
  // What needs something itself is not public, and needs what its controller does as well.
  const gold = { acr: 'gold' };
  assert.deepEqual(
    [await status('/open/both'), await status('/open/both', { ...gold, scope: 'a' }), await status('/open/both', gold)],
    [401, 403, 200],
  );
  await answersAlike(acme, port);
});

test('NestJS closes the guard with the application', async (t) => {
  const { guard } = await begin(t);
  const close = t.mock.method(guard, 'close');
  await (await nest(t, guard)).close();
  assert.equal(close.mock.callCount(), 1);
});
