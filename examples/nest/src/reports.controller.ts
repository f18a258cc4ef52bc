import { Controller, Get, Header } from '@nestjs/common';
import type { Principal } from 'portcullis-guard';
import { CurrentPrincipal, RequireScope } from 'portcullis-guard/nest';

@Controller('reports')
export class ReportsController {
  @Get()
  @RequireScope('reports.read')
  @Header('Content-Type', 'text/plain; charset=utf-8')
  reports(@CurrentPrincipal() principal: Principal): string {
    return `the reports of ${principal.subject}`;
  }
}
