import type { Action } from '../action.ts';
import { applyAction } from './apply.ts';
import { armAction } from './arm.ts';
import { copyFiles } from './copy-files.ts';
import { debug, debugCopy, debugNode } from './debug.ts';
import { closeForward, deleteAction, evictAction, forceDelete } from './delete.ts';
import { editAction } from './edit.ts';
import { explainAction } from './explain.ts';
import { attach, run, shell } from './inside.ts';
import { suspendJob, triggerCronJob } from './jobs.ts';
import { annotate, label } from './meta.ts';
import { nodeSmi } from './node-smi.ts';
import { cordon, drain, uncordon } from './nodes.ts';
import { portForward, showForwards } from './port-forward.ts';
import { restart, rolloutHistory, rolloutUndo, scale, setEnv, setImage, setResources } from './workloads.ts';

/** What reaches into the cluster, and what goes with it. Those without a key are in the menu of the row (`m`). */
export const writes: readonly Action[] = [
  armAction,
  shell,
  attach,
  run,
  nodeSmi,
  portForward,
  showForwards,
  closeForward,
  debug,
  debugCopy,
  debugNode,
  copyFiles,
  editAction,
  deleteAction,
  evictAction,
  forceDelete,
  restart,
  scale,
  setImage,
  setEnv,
  setResources,
  rolloutHistory,
  rolloutUndo,
  suspendJob,
  triggerCronJob,
  cordon,
  uncordon,
  drain,
  label,
  annotate,
  applyAction,
  explainAction,
];
