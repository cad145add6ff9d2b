import { chmodSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Action, ActionContext } from '../../src/actions/action.ts';
import { actionNamed } from '../../src/actions/index.ts';
import type { AuditEntry } from '../../src/actions/journal.ts';
import { createTables } from '../../src/actions/tables.ts';
import { maskSecrets } from '../../src/actions/write/inside.ts';
import { type Demo, startDemo } from '../../src/demo/index.ts';
import { connect } from '../../src/kube/connection.ts';
import type { Connection } from '../../src/kube/contract.ts';
import { changeLines, changesBetween, readEdited, withChanges } from '../../src/kube/edit-text.ts';
import type { KubeObject } from '../../src/kube/object.ts';
import { guard } from '../../src/kube/write-gate.ts';
import { findTable } from '../../src/resources/index.ts';
import { pathOf, type Row } from '../../src/resources/resource.ts';
import { arm, watchArming } from '../../src/state/arming.ts';
import { type Change, createCluster } from '../../src/state/cluster.ts';
import type { ConfirmDialog, Dialog, FormDialog, MenuDialog, NoticeDialog } from '../../src/state/dialog.ts';
import { createSession, type SessionStore, tableView } from '../../src/state/session.ts';
import { temporaryFolder } from '../folder.ts';
import { quickTiming } from '../kube/api-server.ts';
import { handsOver, stateFolder } from './hands.ts';

let demo: Demo;
let kubeconfig: string;
const open: Connection[] = [];

beforeAll(async () => {
  demo = await startDemo({ still: true });
  kubeconfig = await demo.writeKubeconfig(join(temporaryFolder('write'), 'config'));
}, 30_000);

afterAll(async () => {
  await Promise.all(open.map((connection) => connection.close()));
  await demo.close();
});

interface Person {
  readonly session: SessionStore;
  readonly connection: Connection;
  readonly env: Record<string, string>;
  readonly audited: () => readonly AuditEntry[];
  readonly auditPath: string;
  /** Starts an action on these rows of a table and gives the dialogs that it opens, one at a time. */
  readonly start: (id: string, table: string, ...names: readonly string[]) => Promise<void>;
  readonly row: (table: string, name: string) => Promise<Row>;
  readonly object: (table: string, name: string) => Promise<KubeObject>;
  /** Answers the form, menu or confirmation that opens next. */
  readonly fill: (...values: readonly string[]) => Promise<FormDialog>;
  readonly choose: (text: string) => Promise<MenuDialog>;
  /** What is asked, once the server has answered. */
  readonly asked: () => Promise<ConfirmDialog>;
  readonly confirm: () => Promise<ConfirmDialog>;
  readonly cancel: () => void;
  readonly told: () => Promise<string>;
  /** The line at the bottom that comes next. */
  readonly said: (pattern: RegExp) => Promise<string>;
}

async function person(context?: string): Promise<Person> {
  const connection = await connect({
    kubeconfig,
    userAgent: 'mltop/test',
    timing: quickTiming,
    ...(context === undefined ? {} : { context }),
  });
  open.push(connection);
  const access = guard(connection);
  const session = createSession({ table: 'pods', namespaces: 'all', nowMs: Date.now() });
  session.setState({
    context: context ?? 'demo',
    connection: {
      state: 'connected',
      cluster: 'demo',
      user: 'demo',
      url: connection.server,
      server: undefined,
    },
  });
  session.setState(arm(Date.now())(session.getState()));
  const cluster = createCluster();
  const state = stateFolder();
  const env: Record<string, string> = { EDITOR: 'true' };
  const hands = { ...handsOver(access, Date.now, state), env };
  const auditPath = join(state, 'mltop', 'audit.jsonl');

  function until<T>(look: () => T | undefined): Promise<T> {
    return new Promise((resolve) => {
      const check = (): void => {
        const found = look();
        if (found === undefined) return;
        stop();
        resolve(found);
      };
      const stop = session.subscribe(check);
      check();
    });
  }
  const dialogOf = <D extends Dialog>(
    kind: D['kind'],
    isReady: (dialog: D) => boolean = () => true,
  ): Promise<D> =>
    until(() => {
      const { dialog } = session.getState();
      return dialog?.kind === kind && isReady(dialog as D) ? (dialog as D) : undefined;
    });
  const answer = (dialog: Dialog, change: object): void =>
    session.setState({ dialog: { ...dialog, ...change } as Dialog });

  async function rowsOf(table: string): Promise<readonly Row[]> {
    const resource = findTable(table);
    if (resource === undefined) throw new Error(`no table ${table}`);
    // What is on the screen is not what this person may list: a narrow role is tried, too.
    const items = demo.store.list(resource.group, resource.name) as readonly KubeObject[];
    return items.map((item) => resource.toRow(item, { server: undefined }));
  }
  async function row(table: string, name: string): Promise<Row> {
    const found = (await rowsOf(table)).find((one) => one.name === name);
    if (found === undefined) throw new Error(`no ${table} ${name}`);
    return found;
  }
  return {
    session,
    connection,
    env,
    auditPath,
    audited: () =>
      readFileSync(auditPath, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as AuditEntry),
    row,
    async object(table, name) {
      const resource = findTable(table);
      const { namespace } = await row(table, name);
      if (resource === undefined) throw new Error(`no table ${table}`);
      return connection.json({ path: `${pathOf(resource, namespace)}/${name}` });
    },
    async start(id, table, ...names) {
      const resource = findTable(table);
      const action = actionNamed(id) as Action;
      if (resource === undefined) throw new Error(`no table ${table}`);
      const all = await rowsOf(table);
      const pods = findTable('pods');
      if (pods !== undefined) {
        const puts = (await rowsOf('pods')).map(
          (one): Change => ({ type: 'put', resource: pods, scope: '', row: one }),
        );
        cluster.apply(puts, Date.now());
      }
      const rows = names.map((name) => {
        const found = all.find((one) => one.name === name);
        if (found === undefined) throw new Error(`no ${table} ${name}`);
        return found;
      });
      const full = {
        session,
        cluster,
        tables: createTables([]),
        view: tableView(table),
        table: resource,
        visible: undefined,
        row: rows[0],
        rows,
        columns: [],
        page: 20,
        textLines: 0,
        containers: 0,
        now: Date.now(),
        services: {
          copy: async () => 'copied',
          save: async (name: string) => name,
          retryNow: () => {},
          switchContext: () => {},
          setTheme: () => undefined,
          hands,
        },
      } as unknown as ActionContext;
      const why = action.whyNot?.(full);
      if (why !== undefined) throw new Error(why);
      void action.run(full);
    },
    async fill(...values) {
      const form = await dialogOf<FormDialog>('form');
      const fields = form.fields.map((field, at) => ({
        ...field,
        line: { ...field.line, text: values[at] ?? field.line.text },
      }));
      answer(form, { fields, answer: 'submit' });
      return form;
    },
    async choose(text) {
      const menu = await dialogOf<MenuDialog>('menu');
      answer(menu, { answer: menu.items.findIndex((item) => item.text.includes(text)) });
      return menu;
    },
    asked: () => dialogOf<ConfirmDialog>('confirm', ({ check }) => check.state !== 'running'),
    async confirm() {
      const dialog = await dialogOf<ConfirmDialog>('confirm', ({ check }) => check.state !== 'running');
      answer(dialog, { answer: 'go' });
      return dialog;
    },
    cancel() {
      const { dialog } = session.getState();
      if (dialog !== undefined) answer(dialog, { answer: 'cancel' });
    },
    async told() {
      const dialog = await dialogOf<NoticeDialog>('notice');
      answer(dialog, { answer: 'cancel' });
      return dialog.body.map(({ text }) => text).join(' ');
    },
    async said(pattern) {
      const text = await until(() => {
        const { notice } = session.getState();
        return notice !== undefined && pattern.test(notice.text) ? notice.text : undefined;
      });
      // The same words may be said again.
      session.setState({ notice: undefined });
      return text;
    },
  };
}

const textOf = ({ body }: ConfirmDialog): string =>
  body.map(({ label = '', text }) => `${label} ${text}`).join('\n');

const at = (object: unknown, ...steps: readonly (string | number)[]): unknown =>
  steps.reduce<unknown>((value, step) => (value as Record<string, unknown> | undefined)?.[step], object);

describe('deleting', () => {
  test('a pod that comes back: its owner, its GPUs and its peers are named; it goes', async () => {
    const { start, asked, confirm, said, audited, auditPath, object } = await person();
    await start('delete', 'pods', 'vllm-chat-6b7d9c5f8-p9wqz');
    const dialog = await asked();
    expect(textOf(dialog)).toMatch(/ReplicaSet vllm-chat-6b7d9c5f8: will be recreated/);
    expect(textOf(dialog)).toMatch(/frees 1 x nvidia.com\/gpu on/);
    expect(dialog).toMatchObject({ typing: undefined, focus: 0, check: { state: 'passed' } });
    expect(dialog.kubectl).toBe('kubectl --context demo -n serve delete pod vllm-chat-6b7d9c5f8-p9wqz');
    const { metadata } = await object('pods', 'vllm-chat-6b7d9c5f8-p9wqz');
    expect(metadata?.deletionTimestamp ?? null).toBeNull();
    await confirm();
    await said(/Deleted pod/);
    expect(
      demo.store.list('', 'pods').find((pod) => pod.metadata?.uid === metadata?.uid)?.metadata?.[
        'deletionTimestamp'
      ] ?? 'gone',
    ).toBeTruthy();
    expect(audited()).toMatchObject([
      {
        user: 'demo',
        identity: 'admin',
        context: 'demo',
        action: 'delete',
        verb: 'delete',
        resource: 'pods',
        namespace: 'serve',
        uid: metadata?.uid,
        dryRun: 'passed',
        outcome: 'done',
      },
    ]);
    expect(statSync(auditPath).mode & 0o777).toBe(0o600);
  });

  test('a rank of a job says which peers lose it, and its name must be typed', async () => {
    const { start, asked, cancel } = await person();
    await start('delete', 'pods', 'moe-pretrain-0-x7k2p');
    const dialog = await asked();
    expect(textOf(dialog)).toMatch(/peers \d+ of Job moe-pretrain lose rank 0/);
    expect(textOf(dialog)).toMatch(/last checkpoint was: \?/);
    expect(dialog.typing?.expected).toBe('moe-pretrain-0-x7k2p');
    cancel();
  });

  test('several are all named, and their number must be typed where they do not come back', async () => {
    const { start, asked, cancel } = await person();
    await start('delete', 'pods', 'moe-pretrain-0-x7k2p', 'moe-pretrain-1-m4q9z');
    const dialog = await asked();
    expect(textOf(dialog)).toMatch(/team-e\/moe-pretrain-0-x7k2p, pod team-e\/moe-pretrain-1-m4q9z/);
    expect(dialog.typing?.expected).toBe('2');
    cancel();
  });

  test('another object under the same name is left alone', async () => {
    const { start, asked, connection, confirm, told } = await person();
    const path = '/api/v1/namespaces/team-a/configmaps';
    const make = (): Promise<KubeObject> =>
      connection.json({
        method: 'POST',
        path,
        body: JSON.stringify({ metadata: { name: 'twice' }, data: { a: 'b' } }),
      });
    await make();
    await start('delete', 'configmaps', 'twice');
    // Between the look and the key somebody makes it anew.
    await asked();
    await connection.request({ method: 'DELETE', path: `${path}/twice` });
    const second = await make();
    await confirm();
    expect(await told()).toMatch(/twice/);
    const still = await connection.json({ path: `${path}/twice` });
    expect(still.metadata?.uid).toBe(second.metadata?.uid);
  });

  test('a right that is missing is said, and nothing can be pressed', async () => {
    const { start, asked, cancel } = await person('demo-viewer');
    await start('delete', 'pods', 'moe-pretrain-0-x7k2p');
    expect((await asked()).check).toMatchObject({
      state: 'failed',
      text: expect.stringMatching(/You may not delete pods in namespace team-e/),
    });
    cancel();
  });
});

describe('evicting and draining', () => {
  test('a budget that holds a pod back is told before, and the eviction cannot be sent', async () => {
    const { start, asked, cancel, connection } = await person();
    const { items = [] } = await connection.json<{ items?: readonly KubeObject[] }>({
      path: '/apis/policy/v1/poddisruptionbudgets',
    });
    const tight = items.find(
      (budget) =>
        at(budget, 'status', 'disruptionsAllowed') === 0 && Number(at(budget, 'status', 'expectedPods')) > 0,
    );
    const labels = at(tight, 'spec', 'selector', 'matchLabels') as Record<string, string>;
    const pod = demo.store
      .list('', 'pods')
      .find(
        ({ metadata }) =>
          metadata?.namespace === tight?.metadata?.namespace &&
          Object.entries(labels).every(([key, value]) => metadata?.labels?.[key] === value),
      );
    await start('evict', 'pods', pod?.metadata?.name ?? '');
    const dialog = await asked();
    expect(dialog.check).toMatchObject({ state: 'failed', text: expect.stringMatching(/disruption budget/) });
    expect(textOf(dialog)).toMatch(new RegExp(`budget ${tight?.metadata?.name} allows 0`));
    cancel();
  });

  test('a drain says what goes, what stays and whom it hits, then cordons and evicts', async () => {
    const { start, asked, confirm, said, object, audited } = await person();
    await start('drain', 'nodes', 'gpu-h100-02');
    const dialog = await asked();
    expect(dialog).toMatchObject({ stoppable: true, typing: { expected: 'gpu-h100-02' } });
    expect(textOf(dialog)).toMatch(/evicts 1 pod; stays: 2 of DaemonSets/);
    expect(textOf(dialog)).toMatch(/GPU jobs team-b\/pretrain-8/);
    await confirm();
    await said(/Drained gpu-h100-02: 1 pods evicted. Undo: u uncordons it/);
    expect(at(await object('nodes', 'gpu-h100-02'), 'spec', 'unschedulable')).toBe(true);
    expect(demo.store.list('', 'pods').some(({ metadata }) => metadata?.name === 'pretrain-8')).toBe(false);
    expect(audited().map(({ verb, resource }) => `${verb} ${resource}`)).toEqual([
      'patch nodes',
      'create pods/eviction',
    ]);
  });

  test('G and T of a drain choose the grace of its pods and when it gives up, and kubectl would say the same', async () => {
    const { start, asked, cancel, session, said } = await person();
    const press = (key: string): void => {
      const { dialog } = session.getState();
      session.setState({ dialog: { ...dialog, answer: { switch: key } } as Dialog });
    };
    await start('drain', 'nodes', 'gpu-h100-03');
    expect(textOf(await asked())).toMatch(/how grace the pods’ own, no timeout/);
    press('G');
    await expect.poll(async () => textOf(await asked())).toMatch(/how grace 5s, no timeout/);
    press('T');
    await expect.poll(async () => textOf(await asked())).toMatch(/how grace 5s, gives up after 5m/);
    expect((await asked()).kubectl).toMatch(/drain gpu-h100-03 .*--grace-period=5 --timeout=5m$/);
    cancel();
    await said(/Drain node: cancelled, nothing was sent/);
  });
});

describe('in production', () => {
  async function production(startedWithWrite: boolean): Promise<Person> {
    const one = await person();
    one.session.setState({ context: 'gke_prod-eu', startedWithWrite });
    one.session.setState(arm(Date.now())(one.session.getState()));
    return one;
  }

  test('what stops something asks for its name; what can be undone does not', async () => {
    const { start, fill, asked, cancel } = await production(false);
    await start('restart', 'deployments', 'embedder');
    expect(await asked()).toMatchObject({ danger: true, typing: { expected: 'embedder' } });
    cancel();
    await start('cordon', 'nodes', 'gpu-h100-05');
    expect(await asked()).toMatchObject({ danger: true, typing: undefined });
    cancel();
    await start('scale', 'deployments', 'vllm-chat');
    await fill('0');
    expect(await asked()).toMatchObject({ typing: { expected: 'vllm-chat' } });
    cancel();
  });

  test('what destroys is refused unless mltop was started to write, and then it asks for the name', async () => {
    const careful = await production(false);
    await careful.start('delete', 'pods', 'needs-scratch');
    await careful.said(/Delete destroys something, and this is PROD: start mltop with --write/);
    await careful.start('drain', 'nodes', 'gpu-h100-05');
    await careful.said(/Drain destroys something/);
    const bold = await production(true);
    await bold.start('delete', 'pods', 'needs-scratch');
    expect(await bold.asked()).toMatchObject({ title: 'Delete pod in PROD  gke_prod-eu', danger: true });
    expect((await bold.asked()).typing?.expected).toBe('needs-scratch');
    bold.cancel();
  });
});

describe('changing', () => {
  test('scale, with the way back', async () => {
    const { start, fill, confirm, said, object } = await person();
    await start('scale', 'deployments', 'vllm-chat');
    expect((await fill('5')).fields[0]?.line.text).toBe('2');
    expect((await confirm()).kubectl).toMatch(/scale deployment\/vllm-chat --replicas=5/);
    await said(/Scaled vllm-chat to 5. Undo: s 2/);
    expect(at(await object('deployments', 'vllm-chat'), 'spec', 'replicas')).toBe(5);
  });

  test('scaling down is a disruption and says how many pods end', async () => {
    const { start, fill, asked, cancel } = await person();
    await start('scale', 'deployments', 'embedder');
    await fill('0');
    expect(textOf(await asked())).toMatch(/to 0, \d+ pods end/);
    cancel();
  });

  test('restart stamps the template, as kubectl does', async () => {
    const { start, confirm, said, object } = await person();
    await start('restart', 'deployments', 'embedder');
    await confirm();
    await said(/Restarting embedder/);
    expect(
      at(
        await object('deployments', 'embedder'),
        'spec',
        'template',
        'metadata',
        'annotations',
        'kubectl.kubernetes.io/restartedAt',
      ),
    ).toMatch(/^\d{4}-/);
  });

  test('image, environment and resources of one container; the others stay', async () => {
    const one = await person();
    const before = at(
      await one.object('deployments', 'reranker'),
      'spec',
      'template',
      'spec',
      'containers',
      0,
    ) as Record<string, unknown>;
    await one.start('set-image', 'deployments', 'reranker');
    await one.fill('registry.example/reranker:2');
    await one.confirm();
    await one.said(/Image of reranker/);
    await one.start('set-env', 'deployments', 'reranker');
    await one.fill('NCCL_DEBUG=INFO EMPTY="two words"');
    await one.confirm();
    await one.said(/Environment of reranker/);
    await one.start('set-resources', 'deployments', 'reranker');
    await one.fill('cpu=3', '');
    await one.confirm();
    await one.said(/Resources of reranker/);
    const after = at(
      await one.object('deployments', 'reranker'),
      'spec',
      'template',
      'spec',
      'containers',
      0,
    ) as Record<string, unknown>;
    expect(after['image']).toBe('registry.example/reranker:2');
    expect(after['env']).toEqual(
      expect.arrayContaining([
        { name: 'NCCL_DEBUG', value: 'INFO' },
        { name: 'EMPTY', value: 'two words' },
      ]),
    );
    expect(at(after, 'resources', 'requests', 'cpu')).toBe('3');
    expect(at(after, 'resources', 'limits')).toEqual(at(before, 'resources', 'limits'));
  });

  test('what is no amount and no variable is said, and stays as typed', async () => {
    const { start, session, cancel, fill } = await person();
    await start('set-env', 'deployments', 'embedder');
    await fill('not a pair');
    await new Promise((next) => setImmediate(next));
    expect(session.getState().dialog).toMatchObject({
      kind: 'form',
      problem: expect.stringMatching(/neither NAME=value nor NAME-/),
      fields: [{ line: { text: 'not a pair' } }],
    });
    cancel();
  });

  test('a Job’s template is not offered: what to do instead is said', async () => {
    const { start } = await person();
    await expect(start('set-image', 'jobs', 'moe-pretrain')).rejects.toThrow(/cannot be changed/);
    await expect(start('set-image', 'pods', 'moe-pretrain-0-x7k2p')).rejects.toThrow(
      /Its Job moe-pretrain would make the next one as before/,
    );
  });

  test('suspend and resume a Job; its running pods are named as lost', async () => {
    const { start, confirm, said, object } = await person();
    await start('suspend-job', 'jobs', 'moe-pretrain');
    expect(textOf(await confirm())).toMatch(/running pods are deleted/);
    await said(/Suspended moe-pretrain/);
    expect(at(await object('jobs', 'moe-pretrain'), 'spec', 'suspend')).toBe(true);
    await start('suspend-job', 'jobs', 'moe-pretrain');
    await confirm();
    await said(/Resumed moe-pretrain/);
    expect(at(await object('jobs', 'moe-pretrain'), 'spec', 'suspend')).toBe(false);
  });

  test('a CronJob is triggered: a Job of its own, marked as made by hand', async () => {
    const { start, confirm, said, object } = await person();
    await start('trigger', 'cronjobs', 'nightly-tokenize');
    await confirm();
    const name = /Started job (\S+)\./.exec(await said(/Started job/))?.[1];
    const { metadata } = await object('jobs', name ?? '');
    expect(metadata?.annotations?.['cronjob.kubernetes.io/instantiate']).toBe('manual');
    expect(metadata?.ownerReferences?.[0]).toMatchObject({ kind: 'CronJob', name: 'nightly-tokenize' });
  });

  test('cordon and uncordon', async () => {
    const { start, confirm, said, object } = await person();
    await start('cordon', 'nodes', 'cpu-01');
    await confirm();
    await said(/Cordoned cpu-01. Undo: u uncordons/);
    expect(at(await object('nodes', 'cpu-01'), 'spec', 'unschedulable')).toBe(true);
    await start('uncordon', 'nodes', 'cpu-01');
    await confirm();
    await said(/Uncordoned cpu-01/);
    expect(at(await object('nodes', 'cpu-01'), 'spec', 'unschedulable') ?? false).toBe(false);
  });

  test('labels and annotations are set and removed', async () => {
    const { start, fill, confirm, said, object } = await person();
    await start('label', 'nodes', 'cpu-02');
    await fill('team=ml example.com/tier=gold');
    await confirm();
    await said(/Labelled cpu-02/);
    expect((await object('nodes', 'cpu-02')).metadata?.labels).toMatchObject({
      team: 'ml',
      'example.com/tier': 'gold',
    });
    await start('label', 'nodes', 'cpu-02');
    await fill('team-');
    await confirm();
    await said(/Labelled cpu-02/);
    await start('annotate', 'nodes', 'cpu-02');
    await fill('note="two words"');
    await confirm();
    await said(/Annotated cpu-02/);
    const { metadata } = await object('nodes', 'cpu-02');
    expect(metadata?.labels?.['team']).toBeUndefined();
    expect(metadata?.annotations?.['note']).toBe('two words');
  });
});

describe('a debug container', () => {
  test('is added beside a container; that it stays is said', async () => {
    const { start, fill, asked, cancel } = await person();
    await start('debug', 'pods', 'moe-pretrain-0-x7k2p');
    await fill('busybox:1.37', 'main');
    const dialog = await asked();
    expect(dialog.check.state).toBe('passed');
    expect(textOf(dialog)).toMatch(/stays in the pod until the pod goes/);
    expect(dialog.kubectl).toMatch(/debug -it moe-pretrain-0-x7k2p --image=busybox:1.37 --target=main/);
    cancel();
  });
});

describe('applying a file', () => {
  test('says what it makes and what it changes, then does it; a wrong line is named', async () => {
    const { start, fill, confirm, told, said, object } = await person();
    const path = join(temporaryFolder('apply'), 'file.yaml');
    writeFileSync(
      path,
      [
        'apiVersion: v1',
        'kind: ConfigMap',
        'metadata: {name: fresh, namespace: team-a}',
        'data: {a: b}',
        '---',
        'apiVersion: apps/v1',
        'kind: Deployment',
        'metadata: {name: coredns, namespace: kube-system}',
        'spec: {replicas: 3}',
      ].join('\n'),
    );
    await start('apply', 'pods', 'moe-pretrain-0-x7k2p');
    await fill(path);
    const dialog = await confirm();
    expect(textOf(dialog)).toMatch(/1 made, 1 changed/);
    expect(textOf(dialog)).toMatch(/made configmap team-a\/fresh/);
    expect(textOf(dialog)).toMatch(/change coredns: spec.replicas: 3/);
    await said(/Applied/);
    expect(at(await object('deployments', 'coredns'), 'spec', 'replicas')).toBe(3);
    expect(at(await object('configmaps', 'fresh'), 'data', 'a')).toBe('b');
    writeFileSync(path, 'kind: [');
    await start('apply', 'pods', 'moe-pretrain-0-x7k2p');
    await fill(path);
    expect(await told()).toMatch(/line 1/);
  });
});

describe('editing', () => {
  /** An editor that does to the file what a shell line says. */
  function editor(line: string): string {
    const path = join(temporaryFolder('editor'), 'edit.sh');
    writeFileSync(path, `#!/bin/sh\n${line}\n`);
    chmodSync(path, 0o700);
    return path;
  }

  test('sends what was changed, once it has been shown', async () => {
    const { start, env, confirm, said, object } = await person();
    env['EDITOR'] = editor(`sed -i 's/replicas: .*/replicas: 4/' "$1"`);
    await start('edit', 'deployments', 'router');
    expect(textOf(await confirm())).toMatch(/spec.replicas: 4/);
    await said(/Saved router/);
    expect(at(await object('deployments', 'router'), 'spec', 'replicas')).toBe(4);
  });

  test('an unchanged text sends nothing; an editor that is missing is said', async () => {
    const { start, env, said } = await person();
    await start('edit', 'deployments', 'router');
    await said(/Nothing was changed/);
    env['EDITOR'] = '/no/such/editor';
    await start('edit', 'deployments', 'router');
    await said(/"\/no\/such\/editor" is not there: set \$EDITOR/);
  });

  test('broken YAML is named by its line, and the text is kept', async () => {
    const { start, env, choose, said } = await person();
    env['EDITOR'] = editor(`printf 'kind: Deployment\\nspec: [\\n' > "$1"`);
    await start('edit', 'deployments', 'router');
    expect((await choose('Stop')).title).toMatch(/No valid YAML in line \d+/);
    const path = /kept: (\S+)/.exec(await said(/Your text is kept/))?.[1] ?? '';
    expect(readFileSync(path, 'utf8')).toMatch(/kind: Deployment/);
    rmSync(dirname(path), { recursive: true });
  });

  test('a conflict keeps the text and puts it on the newest version', async () => {
    const { start, env, confirm, told, choose, asked, said, object, connection } = await person();
    env['EDITOR'] = editor(`sed -i 's/replicas: .*/replicas: 3/' "$1"`);
    await start('edit', 'deployments', 'grafana');
    await asked();
    const { metadata } = await object('deployments', 'grafana');
    await connection.request({
      method: 'PATCH',
      path: `/apis/apps/v1/namespaces/${metadata?.namespace}/deployments/grafana`,
      contentType: 'application/merge-patch+json',
      body: JSON.stringify({ metadata: { labels: { meanwhile: 'yes' } } }),
    });
    await confirm();
    expect(await told()).toMatch(/modified/);
    await choose('newest version');
    await confirm();
    await said(/Saved grafana/);
    const after = await object('deployments', 'grafana');
    expect([at(after, 'spec', 'replicas'), after.metadata?.labels?.['meanwhile']]).toEqual([3, 'yes']);
  }, 15_000);

  test('changes are found and put back, whatever the object', () => {
    const before = { a: 1, b: { c: [1, 2], d: 'x' }, gone: true };
    const after = { a: 1, b: { c: [1, 3], d: 'x' }, fresh: { e: 1 } };
    const changes = changesBetween(before, after);
    expect(withChanges(before, changes)).toEqual(after);
    expect(changeLines(changes)).toEqual(['b.c: [1,3]', 'gone: removed', 'fresh.e: 1']);
    expect(changesBetween(before, { ...before })).toBeUndefined();
    expect(readEdited('a: [')).toMatchObject({ line: 1 });
    expect(readEdited('just text')).toMatchObject({ problem: 'this is no object' });
  });
});

describe('arming', () => {
  test('ends with another context, other namespaces and a lost connection; --write begins armed, but not in production', () => {
    const begin = (readonly: boolean, context: string): SessionStore => {
      const session = createSession({ table: 'pods', namespaces: 'all', nowMs: 0, readonly });
      watchArming(session, () => 1000);
      session.setState({
        context,
        connection: {
          state: 'connected',
          cluster: 'c',
          user: 'u',
          url: 'https://10.0.0.1',
          server: undefined,
        },
      });
      return session;
    };
    expect(begin(true, 'dev').getState().armed).toBeUndefined();
    expect(begin(false, 'dev').getState().armed).toBeDefined();
    expect(begin(false, 'gke_prod-eu_ml-1').getState().armed).toBeUndefined();
    for (const change of [
      { context: 'other' },
      { namespaces: ['team-a'] },
      { connection: { state: 'failed' as const, what: '', hint: '', retryAtMs: undefined } },
    ]) {
      const session = begin(false, 'dev');
      session.setState(change);
      expect(session.getState().armed).toBeUndefined();
    }
  });
});

test('what must not be read over a shoulder is masked in env', () => {
  const masked = maskSecrets(
    [
      'HF_TOKEN=hf_abcdefgh12345',
      'HOME=/root',
      'DB=postgres://u:hunter2@db/x',
      'WANDB_API_KEY=1',
      'KEY_COUNT=3',
      'NOTE=use sk-abcdefgh1234',
    ].join('\n'),
  );
  expect(masked).toBe(
    [
      'HF_TOKEN=••••',
      'HOME=/root',
      'DB=postgres://u:••••@db/x',
      'WANDB_API_KEY=••••',
      'KEY_COUNT=3',
      'NOTE=use ••••',
    ].join('\n'),
  );
});
