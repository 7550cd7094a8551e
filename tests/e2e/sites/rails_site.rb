# A site in Rails around the files in this folder, which are those in docs/your-own-endpoint.md.

require "logger"
require "securerandom"
require "rails"
require "action_controller/railtie"
require "active_record/railtie"
require "webrick"

# Rack's adapter for WEBrick, which answers requests at the same time, is a library of its own since Rack 3.
begin
  require "rackup/handler/webrick"
  Handler = Rackup::Handler::WEBrick
rescue LoadError
  require "rack/handler/webrick"
  Handler = Rack::Handler::WEBrick
end

ENV["DATABASE_URL"] = "sqlite3:site.sqlite?pool=10&timeout=5000"

class Site < Rails::Application
  config.root = Dir.pwd
  config.load_defaults 6.1
  config.eager_load = true
  config.secret_key_base = SecureRandom.hex(64)
  config.hosts << "127.0.0.1"
  config.consider_all_requests_local = false
  config.logger = Logger.new($stderr)
  config.session_store :cookie_store, key: "site"
end

class ApplicationRecord < ActiveRecord::Base
  self.abstract_class = true
end

class User < ApplicationRecord
end

class ApplicationController < ActionController::Base
  private

  def current_user
    User.find_by(id: session[:user_id])
  end
end

# Signs in who is named, and answers with what a page has for its own requests.
class PageController < ApplicationController
  def show
    session[:user_id] = User.find_or_create_by!(name: params[:as]).id if params[:as]
    render json: { header: "X-CSRF-Token", token: form_authenticity_token }
  end
end

Site.initialize!
Site.routes.append { get "/page", to: "page#show" }
Rails.application.reload_routes!
ActiveRecord::Schema.define { create_table(:users) { |table| table.string :name } }
ActiveRecord::Tasks::DatabaseTasks.migrate
User.reset_column_information

server = WEBrick::HTTPServer.new(
  BindAddress: "127.0.0.1", Port: 0, AccessLog: [], Logger: WEBrick::Log.new($stderr, WEBrick::Log::WARN),
  StartCallback: -> { puts "listening on #{server.listeners.first.addr[1]}"; $stdout.flush }
)
server.mount("/", Handler, Rails.application)
%w[INT TERM].each { |signal| trap(signal) { server.shutdown } }
server.start
