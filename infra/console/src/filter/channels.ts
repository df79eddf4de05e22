/** The channels, by their codes in requests; their names come with every answer, and stand here for the forms. */
import type { Name } from './name';

export const CHANNELS: readonly { readonly code: string; readonly title: Name }[] = [
  { code: 'hotline-agent', title: { zh: '10086 人工', en: 'Hotline agent 10086' } },
  { code: 'hotline-ivr', title: { zh: '10086 语音', en: 'Hotline voice menu 10086' } },
  { code: 'hotline-12580', title: { zh: '12580', en: 'Hotline 12580' } },
  { code: 'web-hall', title: { zh: '网上营业厅', en: 'Web hall' } },
  { code: 'self-service-terminal', title: { zh: '自助终端', en: 'Self-service terminal' } },
  { code: 'sms-hall', title: { zh: '短信营业厅', en: 'SMS hall' } },
  { code: 'ussd', title: { zh: 'USSD', en: 'USSD' } },
  { code: 'wap', title: { zh: 'WAP', en: 'WAP' } },
  { code: 'client-app', title: { zh: '掌上营业厅', en: 'Client app' } },
  { code: 'front-hall', title: { zh: '实体营业厅', en: 'Front hall' } },
  { code: 'outbound-call', title: { zh: '外呼', en: 'Outbound call' } },
  { code: 'customer-manager', title: { zh: '客户经理', en: 'Customer manager' } },
];
