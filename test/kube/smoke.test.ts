import { expect, test } from 'vitest';
import { bookmark, connectTo, openWatch, pod, podList, sendJson, startServer } from './api-server.ts';
import { record } from './recorder.ts';

test('a list, then what changes', async () => {
  const server = await startServer((seen) => {
    if (seen.path === '/version')
      return sendJson(seen, 200, { major: '1', minor: '30', gitVersion: 'v1.30.0' });
    if (seen.query.get('watch') !== 'true') return sendJson(seen, 200, podList(10, pod('a', 3), pod('b', 4)));
    const watch = openWatch(seen);
    watch.send('ADDED', pod('c', 11));
    watch.send('DELETED', pod('a', 12));
  });
  const connection = await connectTo(server);
  const seen = record(connection, { path: '/api/v1/pods' });
  await seen.until(() => seen.names().join() === 'b,c');
  expect([...new Set(seen.stateNames())]).toEqual(['listing', 'live']);
  expect(server.seen.map(({ version }) => version)).toEqual(['2.0', '2.0', '2.0']);
  expect(server.connections()).toBe(1);
  seen.stop();
  await connection.close();
  await server.close();
});

test('a streaming list from 1.34 on', async () => {
  const server = await startServer((seen) => {
    if (seen.path === '/version') return sendJson(seen, 200, { gitVersion: 'v1.36.3' });
    const watch = openWatch(seen);
    watch.send('ADDED', pod('a', 30));
    watch.send('ADDED', pod('b', 4));
    watch.send('BOOKMARK', bookmark(31, true));
    watch.send('DELETED', pod('a', 32));
  });
  const connection = await connectTo(server, { http1: true });
  const seen = record(connection, { path: '/api/v1/pods' });
  await seen.until(() => seen.names().join() === 'b' && seen.states.at(-1)?.state === 'live');
  expect(server.seen.map(({ version }) => version)).toEqual(['1.1', '1.1']);
  seen.stop();
  await connection.close();
  await server.close();
});
