import type { ObjectState } from '../../state.ts';
import { dns } from './dns.ts';
import { governingService, noneReady } from './endpoints.ts';
import { ingress, route } from './ingress.ts';
import { isolation } from './isolation.ts';
import { pendingBalancer, trafficPolicy } from './load-balancer.ts';
import { namedPort, targetPort } from './ports.ts';
import { noPods, selectorMismatch } from './selector.ts';
import { webhookBackend } from './webhooks.ts';

export const networkStates: readonly ObjectState[] = [
  dns,
  webhookBackend,
  governingService,
  selectorMismatch,
  noneReady,
  namedPort,
  targetPort,
  noPods,
  pendingBalancer,
  trafficPolicy,
  ingress,
  route,
  isolation,
];
