import type { Connection, Decoder, KubeRequest, ListPage } from './contract.ts';
import { jsonDecoder } from './json-decoder.ts';
import { KubeError } from './kube-error.ts';

/** client-go's page size: larger ones cost the API server more than they save. */
const pageSize = 500;

/** A token that expires in page after page: the server compacts faster than the list can be read. */
const mostRestarts = 3;

/** Pages in order. When the continue token expires (410) the list starts again, and its first page says `restarted`. */
export async function* pagesOf(
  connection: Connection,
  path: string,
  query: KubeRequest['query'],
  signal: AbortSignal | undefined,
  decoder: Decoder = jsonDecoder,
): AsyncGenerator<ListPage & { readonly restarted: boolean }> {
  let token: string | undefined;
  let restarted = false;
  let restarts = 0;
  for (;;) {
    let page: ListPage;
    try {
      page = await pageAt(connection, path, { limit: pageSize, ...query, continue: token }, signal, decoder);
    } catch (error) {
      if (
        !(error instanceof KubeError) ||
        error.kind !== 'gone' ||
        token === undefined ||
        restarts >= mostRestarts
      )
        throw error;
      token = undefined;
      restarted = true;
      restarts += 1;
      continue;
    }
    yield { ...page, restarted };
    restarted = false;
    token = page.continueToken;
    if (token === undefined) return;
  }
}

async function pageAt(
  connection: Connection,
  path: string,
  query: KubeRequest['query'],
  signal: AbortSignal | undefined,
  decoder: Decoder,
): Promise<ListPage> {
  const { headers, body, status } = await connection.request({
    path,
    query,
    accept: decoder.listAccept,
    ...(signal !== undefined && { signal }),
  });
  const used = decoderFor(decoder, headers);
  try {
    return used.list(body);
  } catch (cause) {
    throw new KubeError(`${connection.server} answered ${path} with something other than a list`, {
      kind: 'bad-answer',
      status,
      hint: 'A proxy may stand in front of the API server, or may have cut the answer.',
      cause,
    });
  }
}

/** What the server chose to answer in decides, not what was asked for. */
export const decoderFor = (wanted: Decoder, headers: Readonly<Record<string, string>>): Decoder =>
  wanted.reads(headers['content-type'] ?? '') ? wanted : jsonDecoder;
