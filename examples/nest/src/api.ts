/** The API: a resource server whose authorization server is Portcullis. */

import 'reflect-metadata';

import { type DynamicModule, Module } from '@nestjs/common';
import { APP_GUARD, NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { Guard } from 'portcullis-guard';
import { GuardModule, TokenGuard } from 'portcullis-guard/nest';

import { AuthController } from './auth.controller.js';
import { Portcullis } from './portcullis.js';
import { ReportsController } from './reports.controller.js';
import type { ApiSettings } from './settings.js';

@Module({})
export class ApiModule {
  static with({ issuer, audience, clientId, apiClientId, apiClientSecret }: ApiSettings): DynamicModule {
    const guard = new Guard({
      audience,
      issuers: issuer,
      feed: { clientId: apiClientId, clientSecret: apiClientSecret },
    });
    return {
      module: ApiModule,
      imports: [GuardModule.forRoot(guard)],
      controllers: [AuthController, ReportsController],
      providers: [
        // The first strategy guards every route that is not @Public(); the second, RefreshTokenGuard, a single one.
        { provide: APP_GUARD, useExisting: TokenGuard },
        { provide: Portcullis, useValue: new Portcullis(issuer, clientId) },
      ],
    };
  }
}

/** The API, which listens nowhere yet. */
export async function createApi(settings: ApiSettings): Promise<NestExpressApplication> {
  const app = await NestFactory.create<NestExpressApplication>(ApiModule.with(settings), { logger: ['error', 'warn'] });
  app.disable('x-powered-by');
  return app;
}
