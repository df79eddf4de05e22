//! The one catalogue of problems: what can go wrong at the edge of any function, by stable code.
//!
//! A code is part of the interface: it is never renamed and never used for something else. The status belongs to the code, so
//! that the same fault has the same status everywhere.

use super::ProblemKind;

macro_rules! problem_kinds {
    ($($(#[$documentation:meta])+ $name:ident = $code:literal, $status:literal, $zh:literal, $en:literal;)+) => {
        $(
            $(#[$documentation])+
            pub const $name: ProblemKind = ProblemKind { code: $code, status: $status, title_zh: $zh, title_en: $en };
        )+

        /// Every kind, for documents and for the test that codes are unique.
        pub const ALL: &[ProblemKind] = &[$($name),+];
    };
}

problem_kinds! {
    /// The body is not JSON at all, or nested more deeply than any document of ours.
    MALFORMED_JSON = "malformed-json", 400, "请求体不是合法的 JSON", "The body is not valid JSON";
    /// A field of the body is missing, unknown, or has a value that the route does not take; `errors` points to it.
    INVALID_BODY = "invalid-body", 422, "请求体的内容不符合要求", "The body is not what this route takes";
    /// A query parameter is unknown or has a value that the route does not read.
    INVALID_QUERY = "invalid-query", 400, "查询参数不符合要求", "A query parameter is not valid";
    /// A part of the path has a form that no such thing can have.
    INVALID_PATH = "invalid-path", 400, "路径中的标识不符合要求", "A part of the path is not valid";
    /// A header has a value that cannot be used.
    INVALID_HEADER = "invalid-header", 400, "请求头不符合要求", "A header is not valid";
    /// The body is larger than the route takes.
    PAYLOAD_TOO_LARGE = "payload-too-large", 413, "请求体过大", "The body is too large";
    /// The body is of a media type that the route does not read.
    UNSUPPORTED_MEDIA_TYPE = "unsupported-media-type", 415, "不支持该媒体类型", "The media type is not supported";
    /// The body ended before it was whole.
    INCOMPLETE_BODY = "incomplete-body", 400, "请求体不完整", "The body is incomplete";
    /// No such route.
    NO_ROUTE = "no-route", 404, "没有这个地址", "There is no such route";
    /// The route exists, with other methods.
    METHOD_NOT_ALLOWED = "method-not-allowed", 405, "该地址不支持这种方法", "The route does not take this method";
    /// No key came with the request.
    KEY_MISSING = "key-missing", 401, "缺少访问密钥", "A key is needed";
    /// The key is unknown, wrong, expired or revoked: which, is not told.
    KEY_INVALID = "key-invalid", 401, "访问密钥无效", "The key is not valid";
    /// The page token is unknown, changed or too old.
    TOKEN_INVALID = "token-invalid", 401, "页面令牌无效或已过期", "The page token is not valid or has expired";
    /// The key is good, its role may not do this.
    ROLE_NOT_ALLOWED = "role-not-allowed", 403, "该角色无权进行此操作", "The role may not do this";
    /// Too many wrong keys with this id.
    TOO_MANY_ATTEMPTS = "too-many-attempts", 429, "错误的密钥过多，请稍后再试", "Too many wrong keys";
    /// No such thing, or it belongs to another region.
    NOT_FOUND = "not-found", 404, "没有找到", "Not found";
    /// The same idempotency key came with another request.
    IDEMPOTENCY_KEY_REUSED = "idempotency-key-reused", 422, "幂等键已用于另一个请求", "The idempotency key was used for another request";
    /// The first request with this idempotency key is still at work.
    IDEMPOTENCY_IN_FLIGHT = "idempotency-in-flight", 409, "相同幂等键的请求正在处理", "The first request with this idempotency key is still at work";
    /// The database or another store is busy or away; another try may succeed.
    STORAGE_UNAVAILABLE = "storage-unavailable", 503, "存储暂时不可用，请稍后再试", "Storage is unavailable for the moment";
    /// The store has no room left.
    STORAGE_FULL = "storage-full", 507, "存储空间已满", "Storage is full";
    /// A defect of ours; the request id finds it in the log.
    INTERNAL = "internal", 500, "内部错误", "Internal error";

    /// No such catalogue version.
    CATALOGUE_UNKNOWN = "catalogue-unknown", 404, "没有这个资费目录版本", "No such catalogue version";
    /// A catalogue has errors; `errors` lists every one. Nothing is stored.
    CATALOGUE_INVALID = "catalogue-invalid", 422, "资费目录有错误", "The catalogue has errors";
    /// No catalogue is in force on the day asked for.
    CATALOGUE_NOT_IN_FORCE = "catalogue-not-in-force", 409, "该日期没有生效的资费目录", "No catalogue is in force on that day";
    /// No such plan or add-on in the catalogue version.
    PLAN_UNKNOWN = "plan-unknown", 404, "目录中没有这个套餐", "No such plan in the catalogue";
    /// A catalogue cannot be put in force from a day that has passed.
    ACTIVATION_IN_THE_PAST = "activation-in-the-past", 422, "生效日期已过", "The activation date has passed";
    /// No such customer, or the customer belongs to another region.
    CUSTOMER_UNKNOWN = "customer-unknown", 404, "没有这个客户", "No such customer";
    /// A customer id that looks like a telephone number.
    CUSTOMER_ID_LOOKS_LIKE_A_NUMBER = "customer-id-looks-like-a-number", 422, "客户标识看起来是电话号码", "The customer id looks like a telephone number";
    /// A customer's facts or usage have errors; `errors` lists them.
    CUSTOMER_INVALID = "customer-invalid", 422, "客户资料有错误", "The customer's data have errors";
    /// Usage figures cannot be read or priced; `errors` lists them.
    USAGE_INVALID = "usage-invalid", 422, "用量数据有错误", "The usage has errors";
    /// A ranking rule has errors; `errors` lists them.
    RULE_INVALID = "rule-invalid", 422, "排序规则有错误", "The ranking rule has errors";
    /// A figure is too large to be priced.
    AMOUNT_TOO_LARGE = "amount-too-large", 422, "数值过大，无法计费", "A figure is too large to be priced";

    /// No snapshot of the customer dataset has been published yet.
    DATASET_NOT_PUBLISHED = "dataset-not-published", 409, "还没有发布客户数据集", "No customer dataset has been published";
    /// No such import, snapshot, layer or dataset version, or its values are no longer kept.
    DATASET_UNKNOWN = "dataset-unknown", 404, "没有这个数据集版本", "No such dataset version";
    /// The dataset has no such column.
    COLUMN_UNKNOWN = "column-unknown", 404, "数据集没有这一列", "No such column in the dataset";
    /// The columns of an import or a layer have errors; `errors` lists them.
    DATASET_SCHEMA_INVALID = "dataset-schema-invalid", 422, "数据集的列定义有错误", "The dataset's columns have errors";
    /// An uploaded column or page is not what it has to be; nothing of it is stored.
    DATASET_PART_INVALID = "dataset-part-invalid", 422, "上传的数据部分有错误", "An uploaded part is not valid";
    /// What has arrived is not yet a whole snapshot or layer; `errors` lists what is missing or does not fit.
    DATASET_INCOMPLETE = "dataset-incomplete", 409, "数据集不完整，不能发布", "The dataset is not complete";
    /// The import, snapshot or layer is in a state in which this cannot be done.
    DATASET_STATE = "dataset-state", 409, "数据集当前的状态不允许此操作", "The dataset's state does not allow this";
    /// A batch's result is asked for before all of it was computed.
    BATCH_INCOMPLETE = "batch-incomplete", 409, "批次还有未完成的部分", "The batch has parts that are not done";

    /// An event was not accepted; `errors` says why. It is kept and can be repaired and replayed.
    EVENT_REJECTED = "event-rejected", 422, "事件未被接受", "The event was rejected";
    /// An event with this source and id was accepted before, with other content.
    EVENT_CONFLICT = "event-conflict", 409, "相同标识的事件内容不同", "An event of this identity says something else";
    /// More events wait than can be committed soon; another try may succeed.
    INGEST_BUSY = "ingest-busy", 503, "等待写入的事件过多，请稍后再试", "Too many events wait to be stored";
    /// A rejected event has been dealt with, or must be repaired before it is replayed.
    REJECTED_EVENT_STATE = "rejected-event-state", 409, "该事件已处理，或需先修正", "The rejected event cannot be replayed as it is";
    /// A month is still receiving events, or was a moment ago.
    MONTH_NOT_OVER = "month-not-over", 409, "该月份尚未结束", "The month is not over";

    /// The SMS hall lacks what it needs to begin.
    SMS_NOT_CONFIGURED = "sms-not-configured", 503, "短信营业厅尚未配置", "The SMS hall is not set up";
    /// A signed callback is not from its gateway, or not of now.
    SMS_SIGNATURE_INVALID = "sms-signature-invalid", 403, "回调签名无效", "The callback's signature is not valid";
    /// A message with this id came before and said something else.
    SMS_MESSAGE_CONFLICT = "sms-message-conflict", 409, "相同编号的短信内容不同", "A message of this id says something else";
    /// No such gateway, or it is another region's.
    SMS_GATEWAY_UNKNOWN = "sms-gateway-unknown", 404, "没有这个短信网关", "No such SMS gateway";
    /// The words of commands have errors; `errors` lists them.
    SMS_COMMANDS_INVALID = "sms-commands-invalid", 422, "指令词有错误", "The words of commands have errors";
    /// No such message, or it is another region's.
    SMS_MESSAGE_UNKNOWN = "sms-message-unknown", 404, "没有这条短信", "No such message";
    /// Not a mobile number.
    SMS_NUMBER_INVALID = "sms-number-invalid", 422, "不是手机号码", "Not a mobile number";

    /// No such list, or it is another region's.
    LIST_UNKNOWN = "list-unknown", 404, "没有这个名单", "No such list";
    /// The list's state does not allow this, or someone else changed it at the same moment.
    LIST_STATE = "list-state", 409, "名单当前的状态不允许此操作", "The list's state does not allow this";
    /// The list has expired and gives nothing any more.
    LIST_EXPIRED = "list-expired", 410, "名单已过期", "The list has expired";
    /// Whoever froze or submitted a list does not decide on it.
    LIST_FOUR_EYES = "list-four-eyes", 403, "不能审批自己冻结或提交的名单", "One may not decide on one's own list";
    /// Nobody is left to be contacted.
    LIST_EMPTY = "list-empty", 422, "名单中没有客户", "Nobody is in the list";
    /// The list has more customers, regions, channels, batches or text than a list may have.
    LIST_TOO_LARGE = "list-too-large", 422, "名单过大", "The list is too large";
    /// A cap is reached and the request says to make no list then; `errors` tells each cap.
    LIST_OVER_CAP = "list-over-cap", 422, "名单超过上限", "The list is over its caps";
    /// Every customer of the list was handed out.
    LIST_EXHAUSTED = "list-exhausted", 404, "名单中的客户已全部领取", "Every customer of the list was handed out";
    /// The lease of this key's claim had ended, and the customer went to another key.
    LIST_CLAIM_LOST = "list-claim-lost", 409, "该客户已分配给其他密钥", "The customer went to another key";
    /// The key has read as many customers of the list as it may for now.
    LIST_READ_LIMIT = "list-read-limit", 429, "读取客户过于频繁", "Too many customers were read";
    /// No such lookalike run, or it is another region's.
    LOOKALIKE_UNKNOWN = "lookalike-unknown", 404, "没有这次相似人群分析", "No such lookalike run";
    /// Too few users or others to tell anything.
    LOOKALIKE_TOO_FEW = "lookalike-too-few", 422, "用户太少，无法分析", "Too few users to tell anything";
    /// Nothing that the run looked at sets users apart, so it has no score.
    LOOKALIKE_NO_SCORE = "lookalike-no-score", 409, "这次分析没有得出可用的评分", "The run found no score";

    /// A condition on customers has errors; `errors` says where and what was expected.
    EXPRESSION_INVALID = "expression-invalid", 422, "条件有错误", "The condition has errors";
    /// No such saved group, or it is another region's.
    GROUP_UNKNOWN = "group-unknown", 404, "没有这个分组", "No such group";
    /// No such exclusion set, or it is another region's.
    EXCLUSION_SET_UNKNOWN = "exclusion-set-unknown", 404, "没有这个排除规则集", "No such exclusion set";
    /// An exclusion set has errors; `errors` lists them.
    EXCLUSION_SET_INVALID = "exclusion-set-invalid", 422, "排除规则有错误", "The exclusion set has errors";
    /// The dataset lacks columns that exclusions need.
    EXCLUSION_COLUMNS_MISSING = "exclusion-columns-missing", 409, "数据集缺少排除规则所需的列", "The dataset lacks columns that exclusions need";
}
