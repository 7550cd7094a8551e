//! One file a widget: the shape in which it asks.

pub mod livechat;
