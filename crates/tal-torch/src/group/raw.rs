//! Functions of `group.cpp`, and the object that they share.

use std::ffi::{c_char, c_int};

use torch_sys::C_tensor;

#[repr(C)]
pub(super) struct RawGroup {
    _private: [u8; 0],
}

unsafe extern "C" {
    pub(super) fn tal_group_free(text: *mut c_char);
    pub(super) fn tal_group_open(
        host: *const c_char,
        port: *mut u16,
        serves: c_int,
        timeout_ms: i64,
        out: *mut *mut RawGroup,
    ) -> *mut c_char;
    pub(super) fn tal_group_narrow(group: *mut RawGroup, prefix: *const c_char) -> *mut c_char;
    pub(super) fn tal_group_connect(
        group: *mut RawGroup,
        rank: c_int,
        size: c_int,
        timeout_ms: i64,
        on_cuda: c_int,
    ) -> *mut c_char;
    pub(super) fn tal_group_set(
        group: *mut RawGroup,
        key: *const c_char,
        bytes: *const u8,
        count: usize,
    ) -> *mut c_char;
    pub(super) fn tal_group_check(
        group: *mut RawGroup,
        key: *const c_char,
        found: *mut c_int,
    ) -> *mut c_char;
    pub(super) fn tal_group_get(
        group: *mut RawGroup,
        key: *const c_char,
        bytes: *mut *mut u8,
        count: *mut usize,
    ) -> *mut c_char;
    pub(super) fn tal_group_wait(
        group: *mut RawGroup,
        keys: *const *const c_char,
        count: usize,
        timeout_ms: i64,
        found: *mut c_int,
    ) -> *mut c_char;
    pub(super) fn tal_group_add(
        group: *mut RawGroup,
        key: *const c_char,
        amount: i64,
        sum: *mut i64,
    ) -> *mut c_char;
    pub(super) fn tal_group_all_reduce(
        group: *mut RawGroup,
        tensors: *const *mut C_tensor,
        count: usize,
        bucket_bytes: i64,
    ) -> *mut c_char;
    pub(super) fn tal_group_broadcast(
        group: *mut RawGroup,
        tensor: *mut C_tensor,
        root: c_int,
    ) -> *mut c_char;
    pub(super) fn tal_group_all_gather(
        group: *mut RawGroup,
        input: *mut C_tensor,
        outputs: *const *mut C_tensor,
        count: usize,
    ) -> *mut c_char;
    pub(super) fn tal_group_zero_gradient(variable: *mut C_tensor) -> *mut c_char;
    pub(super) fn tal_group_disconnect(group: *mut RawGroup) -> *mut c_char;
    pub(super) fn tal_group_close(group: *mut RawGroup);
}

/// The object of C++, for several threads.
pub(super) struct Handle(pub(super) *mut RawGroup);

// SAFETY: c10d's stores and backends lock their own state.
unsafe impl Send for Handle {}
// SAFETY: as above.
unsafe impl Sync for Handle {}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: the only owner, and not used again.
        unsafe { tal_group_close(self.0) };
    }
}
