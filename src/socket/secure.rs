//! SSL on a connected socket: which server it must be, and the end of its plain life.

use super::{Direction, Options, Role, Socket};
use crate::error::{Error, Identifier, Result};
use crate::ssl::{Context, Identity, Overrides, Side, Ssl, Verify, Wishes};
use crate::sys::Name;
use std::sync::Arc;

/// The keywords of make-ssl-client-stream and make-ssl-server-stream that are for one connection.
#[derive(Clone, Copy, Debug)]
pub struct MakeSsl<'a> {
    /// What it says differently from its context.
    pub overrides: Overrides<'a>,
    /// Of a client: the server's name or address, where it is not the one that was connected to.
    pub server_name: Option<&'a str>,
    /// Of a client: the certificate may be for anybody.
    pub any_host: bool,
    /// The end of the connection is taken for the end of the file.
    pub allow_truncation: bool,
}

impl Socket {
    /// Whether the stream is one over SSL.
    pub fn is_secure(&self) -> bool {
        matches!(&self.role, Role::Stream(stream) if stream.is_secure())
    }

    /// Which side of it this one is, where it is over SSL.
    pub(super) fn ssl_side(&self) -> Option<Side> {
        match &self.role {
            Role::Stream(stream) => stream.ssl().map(Ssl::side),
            _ => None,
        }
    }

    /// The server that this client must find.
    fn identity(&self, args: &MakeSsl<'_>, checks: bool) -> Result<Option<Identity>> {
        let host = self.stream("beginning SSL on")?.host();
        match (args.server_name, host, self.remote_name()) {
            (Some(name), _, _) => Identity::of_text(name, "server_name").map(Some),
            (None, Some(host), _) => Identity::of_text(host, "the host connected to").map(Some),
            (None, None, Some(Name::Internet(address, _))) => Ok(Some(Identity::of_address(*address))),
            _ if checks => {
                let why = "nothing says which server it is: server_name does";
                Err(Error::argument(format!("beginning SSL on the {self}: {why}")))
            }
            _ => Ok(None),
        }
    }

    /// make-ssl-client-stream and make-ssl-server-stream, on this stream as it stands. `claim` takes it
    /// from who knows it as a plain one; before that a failure leaves it as it was.
    pub fn begin_ssl<T>(
        &self,
        context: &Arc<Context>,
        args: &MakeSsl<'_>,
        claim: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        let doing = "beginning SSL on";
        let stream = self.stream(doing)?;
        if self.open_stream().is_none() {
            let closed = self.descriptor.is_closed();
            let identifier = if closed { Identifier::CLOSED } else { Identifier::WOULD_BLOCK };
            return Err(Error::new(identifier, format!("{doing} the {self}")));
        }
        let mut wishes = Wishes {
            overrides: args.overrides,
            allows_truncation: args.allow_truncation,
            ..Wishes::default()
        };
        if context.side() == Side::Client {
            let verify = args.overrides.verify.unwrap_or(context.verify());
            wishes.checks_identity = !args.any_host;
            wishes.identity = self.identity(args, wishes.checks_identity && verify != Verify::Nil)?;
            if context.keeps_sessions() {
                wishes.server = format!("{:?}", self.remote_name());
            }
        }
        let make = || Ssl::new(context, &wishes);
        let claimed = stream.begin_ssl(self, make, claim)?;
        // Who watched the plain stream does not know this one.
        self.forget_watchers();
        if self.is_internet() {
            // Two writes in a row begin a connection, of which the second would wait for the peer's
            // delayed acknowledgement of the first. A connection that has gone says so when it is used.
            let _ = self.set_options(&Options { nodelay: Some(true), ..Options::default() });
        }
        Ok(claimed)
    }

    /// Shuts the output of a stream over SSL down for its peer, before the system does.
    pub(super) fn shut_ssl(&self, direction: Direction) -> Result<()> {
        let open = !self.descriptor.is_closed() && !self.descriptor.is_shut(direction);
        if direction == Direction::Output && open { self.announce_shutdown() } else { Ok(()) }
    }
}
