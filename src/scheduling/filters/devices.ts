import type { Filter } from './filter.ts';

export const dynamicResources: Filter = { plugin: 'DynamicResources', prepare: () => undefined };
