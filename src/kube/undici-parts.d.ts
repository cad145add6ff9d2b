// undici's index also loads fetch, WebSocket, caches and mocks: twice the code and 8 MB that mltop never uses.
// The version of undici is pinned; these three files have been where they are since 2021.

declare module 'undici/lib/dispatcher/client.js' {
  import { Client } from 'undici';
  // biome-ignore lint/style/noDefaultExport: CommonJS, as Node presents it.
  export default Client;
}

declare module 'undici/lib/dispatcher/pool.js' {
  import { Pool } from 'undici';
  // biome-ignore lint/style/noDefaultExport: CommonJS, as Node presents it.
  export default Pool;
}

declare module 'undici/lib/api/api-request.js' {
  import type { Dispatcher } from 'undici';

  function request(this: Dispatcher, options: Dispatcher.RequestOptions): Promise<Dispatcher.ResponseData>;
  // biome-ignore lint/style/noDefaultExport: CommonJS, as Node presents it.
  export default request;
}
