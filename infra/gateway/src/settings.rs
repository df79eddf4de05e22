//! Every limit of the gateway, with its default and the reason for it.
//!
//! Invariant: nothing in the gateway waits, queues, buffers or grows without a bound that stands here. Each limit is a
//! flag of `chudian up` and an environment variable; a value that cannot work is refused at start.
//!
//! It is not about the manifest or the runtime configuration, which say what to run; this says how much of it.

use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::time::Duration;

use clap::Args;

/// One mebibyte, the unit in which most limits below are thought of.
const MIB: u64 = 1024 * 1024;

/// A whole import file fits; functions set smaller limits of their own.
const REQUEST_BODY_BYTES_MAX: u64 = 64 * MIB;
/// Large exports fit; a component that never stops writing does not.
const RESPONSE_BODY_BYTES_MAX: u64 = 1024 * MIB;
/// Four times what common proxies let through, so that the gateway is never the narrowest place.
const HEADER_BYTES_MAX: u32 = 32 * 1024;
/// Browsers behind two proxies send about 40.
const HEADERS_MAX: u32 = 100;
/// A head is one or two packets; whoever needs longer holds a connection open on purpose. Also the keep-alive time.
const HEADER_READ_MS_MAX: u64 = 30_000;
/// Each connection costs about 20 KiB here and one file descriptor.
const CONNECTIONS_MAX: NonZeroU32 = nonzero_u32(4096);
/// More calls at once than this only make each of them slower on the few cores that a gateway has.
const REQUESTS_IN_FLIGHT_MAX: NonZeroU32 = nonzero_u32(128);
/// Two full rounds of waiting; beyond it a client is better told to come back.
const REQUESTS_QUEUED_MAX: u32 = 256;
/// A page is abandoned after about this long.
const QUEUE_MS_MAX: u64 = 5_000;
/// What load balancers in front of a gateway usually allow.
const REQUEST_MS_MAX: NonZeroU64 = nonzero_u64(30_000);
/// Time without a byte between component and client, in either direction, before a response is given up.
const RESPONSE_STALL_MS_MAX: NonZeroU64 = nonzero_u64(30_000);
/// An export over a slow line may take this long in all.
const RESPONSE_MS_MAX: NonZeroU64 = nonzero_u64(600_000);
/// Freezing a list of a million customers with twelve columns beside the columns that an instance keeps needs more than half of this.
const INSTANCE_MEMORY_BYTES_MAX: u64 = 512 * MIB;
/// Two instances at their own limit: one component can never take the whole machine.
const COMPONENT_MEMORY_BYTES_MAX: u64 = 1024 * MIB;
/// Function tables of our largest component hold about 6,000 entries.
const INSTANCE_TABLE_ELEMENTS_MAX: u32 = 50_000;
/// Address space is reserved for so many; memory is used only by those that run.
const INSTANCES_MAX: NonZeroU32 = nonzero_u32(256);
/// An instance serves many requests at once while they wait; this many can be busy computing at once.
const COMPONENT_INSTANCES_MAX: NonZeroU32 = nonzero_u32(32);
/// Replacing an instance now and then returns what a component leaked.
const INSTANCE_REQUESTS_MAX: NonZeroU64 = nonzero_u64(100_000);
/// Requests that share an instance share its fate when it traps, so not too many; they wait for storage, not for a core.
const INSTANCE_REQUESTS_CONCURRENT_MAX: NonZeroU32 = nonzero_u32(16);
/// Long enough to keep a component's cache of decoded columns between the clicks of one person.
const INSTANCE_IDLE_MS_MAX: u64 = 60_000;
/// A request uses about ten handles; a leak shows here before it shows in memory.
const INSTANCE_HANDLES_MAX: u32 = 10_000;
/// A function may call a function that calls a function; a deeper chain is a loop.
const CHAIN_DEPTH_MAX: u32 = 8;
/// A remote host that does not answer a connection within this is down.
const OUTBOUND_CONNECT_MS_MAX: u64 = 10_000;
/// Time for the head of a remote answer, and between two pieces of its body.
const OUTBOUND_READ_MS_MAX: u64 = 30_000;
/// Outbound connections held by one component at once.
const OUTBOUND_CONNECTIONS_MAX: u32 = 64;
/// What an orchestrator allows between its two signals.
const SHUTDOWN_MS_MAX: u64 = 25_000;
/// A component's own log lines, per second; beyond it lines are dropped and counted.
const GUEST_LOG_BYTES_PER_SECOND_MAX: u32 = 64 * 1024;

/// The limits as the command line and the environment give them. Units are in the names.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Limits / 限制")]
pub struct Limits {
    /// Bytes of a request body / 请求体字节数上限 (413)
    #[arg(long, env = "CHUDIAN_REQUEST_BODY_BYTES_MAX", default_value_t = REQUEST_BODY_BYTES_MAX)]
    pub request_body_bytes_max: u64,
    /// Bytes of a response body / 响应体字节数上限
    #[arg(long, env = "CHUDIAN_RESPONSE_BODY_BYTES_MAX", default_value_t = RESPONSE_BODY_BYTES_MAX)]
    pub response_body_bytes_max: u64,
    /// Bytes of a request head / 请求头总字节数上限 (431)
    #[arg(long, env = "CHUDIAN_HEADER_BYTES_MAX", default_value_t = HEADER_BYTES_MAX, value_parser = clap::value_parser!(u32).range(1024..=1_048_576))]
    pub header_bytes_max: u32,
    /// Header fields of a request / 请求头字段数上限 (431)
    #[arg(long, env = "CHUDIAN_HEADERS_MAX", default_value_t = HEADERS_MAX, value_parser = clap::value_parser!(u32).range(8..=1000))]
    pub headers_max: u32,
    /// Milliseconds to send a whole request head, also between two requests of a connection / 读取请求头的毫秒数上限
    #[arg(long, env = "CHUDIAN_HEADER_READ_MS_MAX", default_value_t = HEADER_READ_MS_MAX)]
    pub header_read_ms_max: u64,
    /// Open connections / 连接数上限
    #[arg(long, env = "CHUDIAN_CONNECTIONS_MAX", default_value_t = CONNECTIONS_MAX)]
    pub connections_max: NonZeroU32,
    /// Requests that one component serves at once / 每个组件同时处理的请求数上限
    #[arg(long, env = "CHUDIAN_REQUESTS_IN_FLIGHT_MAX", default_value_t = REQUESTS_IN_FLIGHT_MAX)]
    pub requests_in_flight_max: NonZeroU32,
    /// Requests that wait for one component (503 beyond) / 每个组件排队的请求数上限
    #[arg(long, env = "CHUDIAN_REQUESTS_QUEUED_MAX", default_value_t = REQUESTS_QUEUED_MAX)]
    pub requests_queued_max: u32,
    /// Milliseconds that a request waits before 503 / 排队的毫秒数上限
    #[arg(long, env = "CHUDIAN_QUEUE_MS_MAX", default_value_t = QUEUE_MS_MAX)]
    pub queue_ms_max: u64,
    /// Milliseconds until a component must have answered (504) / 组件应答的毫秒数上限
    #[arg(long, env = "CHUDIAN_REQUEST_MS_MAX", default_value_t = REQUEST_MS_MAX)]
    pub request_ms_max: NonZeroU64,
    /// Milliseconds without progress before a response is given up / 响应停滞的毫秒数上限
    #[arg(long, env = "CHUDIAN_RESPONSE_STALL_MS_MAX", default_value_t = RESPONSE_STALL_MS_MAX)]
    pub response_stall_ms_max: NonZeroU64,
    /// Milliseconds for a whole response / 整个响应的毫秒数上限
    #[arg(long, env = "CHUDIAN_RESPONSE_MS_MAX", default_value_t = RESPONSE_MS_MAX)]
    pub response_ms_max: NonZeroU64,
    /// Bytes of linear memory of one instance / 每个实例的内存字节数上限
    #[arg(long, env = "CHUDIAN_INSTANCE_MEMORY_BYTES_MAX", default_value_t = INSTANCE_MEMORY_BYTES_MAX, value_parser = clap::value_parser!(u64).range(MIB..=4096 * MIB))]
    pub instance_memory_bytes_max: u64,
    /// Bytes of linear memory of all instances of a component / 每个组件全部实例的内存字节数上限
    #[arg(long, env = "CHUDIAN_COMPONENT_MEMORY_BYTES_MAX", default_value_t = COMPONENT_MEMORY_BYTES_MAX)]
    pub component_memory_bytes_max: u64,
    /// Elements of one table of an instance / 每个实例的表元素数上限
    #[arg(long, env = "CHUDIAN_INSTANCE_TABLE_ELEMENTS_MAX", default_value_t = INSTANCE_TABLE_ELEMENTS_MAX)]
    pub instance_table_elements_max: u32,
    /// Instances of all components / 全部组件的实例数上限
    #[arg(long, env = "CHUDIAN_INSTANCES_MAX", default_value_t = INSTANCES_MAX)]
    pub instances_max: NonZeroU32,
    /// Instances of one component / 每个组件的实例数上限
    #[arg(long, env = "CHUDIAN_COMPONENT_INSTANCES_MAX", default_value_t = COMPONENT_INSTANCES_MAX)]
    pub component_instances_max: NonZeroU32,
    /// Requests after which an instance is replaced / 实例处理多少请求后更换
    #[arg(long, env = "CHUDIAN_INSTANCE_REQUESTS_MAX", default_value_t = INSTANCE_REQUESTS_MAX)]
    pub instance_requests_max: NonZeroU64,
    /// Requests that share an instance while they wait / 每个实例同时处理的请求数上限
    #[arg(long, env = "CHUDIAN_INSTANCE_REQUESTS_CONCURRENT_MAX", default_value_t = INSTANCE_REQUESTS_CONCURRENT_MAX)]
    pub instance_requests_concurrent_max: NonZeroU32,
    /// Milliseconds after which an idle instance is dropped / 空闲实例保留的毫秒数
    #[arg(long, env = "CHUDIAN_INSTANCE_IDLE_MS_MAX", default_value_t = INSTANCE_IDLE_MS_MAX)]
    pub instance_idle_ms_max: u64,
    /// Handles and host resources of one instance / 每个实例的句柄数上限
    #[arg(long, env = "CHUDIAN_INSTANCE_HANDLES_MAX", default_value_t = INSTANCE_HANDLES_MAX)]
    pub instance_handles_max: u32,
    /// Depth of calls between components / 组件间调用的深度上限
    #[arg(long, env = "CHUDIAN_CHAIN_DEPTH_MAX", default_value_t = CHAIN_DEPTH_MAX)]
    pub chain_depth_max: u32,
    /// Milliseconds to connect to another host / 连接外部主机的毫秒数上限
    #[arg(long, env = "CHUDIAN_OUTBOUND_CONNECT_MS_MAX", default_value_t = OUTBOUND_CONNECT_MS_MAX)]
    pub outbound_connect_ms_max: u64,
    /// Milliseconds to wait for another host's answer or its next piece / 等待外部主机应答的毫秒数上限
    #[arg(long, env = "CHUDIAN_OUTBOUND_READ_MS_MAX", default_value_t = OUTBOUND_READ_MS_MAX)]
    pub outbound_read_ms_max: u64,
    /// Outbound connections of one component / 每个组件的对外连接数上限
    #[arg(long, env = "CHUDIAN_OUTBOUND_CONNECTIONS_MAX", default_value_t = OUTBOUND_CONNECTIONS_MAX)]
    pub outbound_connections_max: u32,
    /// Milliseconds that running requests get at shutdown / 停止时留给进行中请求的毫秒数
    #[arg(long, env = "CHUDIAN_SHUTDOWN_MS_MAX", default_value_t = SHUTDOWN_MS_MAX)]
    pub shutdown_ms_max: u64,
    /// Bytes of a component's own log per second / 组件日志每秒字节数上限
    #[arg(long, env = "CHUDIAN_GUEST_LOG_BYTES_PER_SECOND_MAX", default_value_t = GUEST_LOG_BYTES_PER_SECOND_MAX)]
    pub guest_log_bytes_per_second_max: u32,
    /// Threads that serve requests; 0 = one per core / 处理请求的线程数，0 表示每核一个
    #[arg(long, env = "CHUDIAN_THREADS", default_value_t = 0)]
    pub threads: u32,
}

impl Limits {
    /// Threads to serve with: what was asked for, else one per core.
    pub fn serving_threads(&self) -> NonZeroUsize {
        usize::try_from(self.threads)
            .ok()
            .and_then(NonZeroUsize::new)
            .or_else(|| std::thread::available_parallelism().ok())
            .unwrap_or(NonZeroUsize::MIN)
    }

    /// See [`Limits::request_ms_max`].
    pub fn request_time_max(&self) -> Duration {
        Duration::from_millis(self.request_ms_max.get())
    }

    /// See [`Limits::instance_idle_ms_max`].
    pub fn instance_idle_time_max(&self) -> Duration {
        Duration::from_millis(self.instance_idle_ms_max)
    }
}

/// A limit that may not be zero.
const fn nonzero_u32(value: u32) -> NonZeroU32 {
    match NonZeroU32::new(value) {
        Some(value) => value,
        None => NonZeroU32::MIN,
    }
}

/// See [`nonzero_u32`].
const fn nonzero_u64(value: u64) -> NonZeroU64 {
    match NonZeroU64::new(value) {
        Some(value) => value,
        None => NonZeroU64::MIN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        limits: Limits,
    }

    /// Goal: a limit that would stop all service is refused when it is read, not met at the first request.
    #[test]
    fn impossible_limits_are_refused() {
        for argument in [
            "--request-ms-max=0",
            "--requests-in-flight-max=0",
            "--instances-max=0",
            "--header-bytes-max=10",
            "--instance-memory-bytes-max=1",
        ] {
            assert!(
                Line::try_parse_from(["chudian", argument]).is_err(),
                "{argument} was accepted"
            );
        }
        let line = Line::try_parse_from(["chudian"]).unwrap();
        assert_eq!(line.limits.request_time_max(), Duration::from_secs(30));
    }
}
