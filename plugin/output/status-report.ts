// The controller reports in the same words (`/debug/plan`), so the report is shared.
export {
  driftOf,
  type StatusItem,
  type StatusReport,
  statusItem,
  statusReport,
  summaryOf,
} from '../../shared/engine/status-report.ts';
